//! Table names from the names of models: `UserProfile` to `user_profile`.
//!
//! The rule is Flask-SQLAlchemy 3's. There is no plural.

/// The table name of a model's name.
///
/// An underscore goes before an ASCII capital that follows a small letter or a digit, and before one
/// that is followed by a small letter, except at the start; then all is made small, and underscores
/// at the start go. Letters outside ASCII are kept as they are, in small.
///
/// # Example
/// ```
/// use mirrorm::table_name_of;
///
/// assert_eq!(table_name_of("UserProfile"), "user_profile");
/// assert_eq!(table_name_of("HTTP2Request"), "http2_request");
/// ```
pub fn table_name_of(model: &str) -> String {
    let mut name = String::with_capacity(model.len() + 4);
    let mut before: Option<char> = None;
    let mut rest = model.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter.is_ascii_uppercase() {
            let after_word = before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            let begins_word = before.is_some() && rest.peek().is_some_and(char::is_ascii_lowercase);
            if after_word || begins_word {
                name.push('_');
            }
        }
        name.extend(letter.to_lowercase());
        before = Some(letter);
    }
    name.trim_start_matches('_').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models() {
        let vectors = [
            ("User", "user"),
            ("UserProfile", "user_profile"),
            ("FOOBar", "foo_bar"),
            ("HTMLLayout", "html_layout"),
            ("ABC", "abc"),
            ("A", "a"),
            ("P", "p"),
            ("PreABC", "pre_abc"),
            ("ABCPost", "abc_post"),
            ("iPhone", "i_phone"),
            ("Snake_Case", "snake__case"),
            ("My__Thing", "my___thing"),
            ("OAuth2Token", "o_auth2_token"),
            ("LayoutHTML", "layout_html"),
            ("HTTP2Request", "http2_request"),
            ("UserST4", "user_st4"),
            ("User2FA", "user2_fa"),
            ("U2F", "u2_f"),
            ("FooBarSSE2", "foo_bar_sse2"),
            ("AB1", "ab1"),
            ("UserID", "user_id"),
            ("aB", "a_b"),
            ("_Private", "private"),
            ("getHTTPresponseCode", "get_htt_presponse_code"),
            ("X509Cert", "x509_cert"),
            ("CamelCase", "camel_case"),
            ("Snake_case", "snake_case"),
            ("ShoppingCartSession", "shopping_cart_session"),
            ("PreABCPost", "pre_abc_post"),
            ("HTTP2RequestSession", "http2_request_session"),
            ("HTTP2ClientType3EncoderParametersSSE", "http2_client_type3_encoder_parameters_sse"),
            ("LONGName4TestingCamelCase2snake_caseXYZ", "long_name4_testing_camel_case2snake_case_xyz"),
            ("AlarmMessageSS2SignalTransformer", "alarm_message_ss2_signal_transformer"),
            ("AstV2Node", "ast_v2_node"),
            ("HTTPResponseCodeXYZ", "http_response_code_xyz"),
            ("get2HTTPResponse123Code", "get2_http_response123_code"),
            ("", ""),
            ("___", ""),
            ("ÄrgerÜber", "ärgerüber"),
        ];
        for (model, table) in vectors {
            assert_eq!(table_name_of(model), table, "{model}");
        }
    }
}
