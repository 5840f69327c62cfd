//! Statements as events of the crate `tracing`, behind the feature of that name.
//!
//! Names are those of OpenTelemetry's conventions for database spans
//! (opentelemetry.io/docs/specs/semconv/database/database-spans/). Values are never among them.

use tracing::Level;

use super::observe::Statement;

/// Whether anybody collects such events.
pub(super) fn is_enabled() -> bool {
    tracing::enabled!(target: "mirrorm", Level::WARN)
}

/// Emits an event: at `DEBUG`, and at `WARN` for a statement that failed.
pub(super) fn event(statement: &Statement<'_>) {
    let system = statement.dialect;
    let operation = statement.sql.split_ascii_whitespace().next().unwrap_or_default();
    let duration = statement.duration.as_secs_f64();
    let (file, line) = match statement.location {
        Some(at) => (Some(at.file()), Some(at.line())),
        None => (None, None),
    };
    for warning in statement.warnings {
        tracing::event!(target: "mirrorm", Level::WARN, db.query.text = statement.sql, "{warning}");
    }
    match statement.error {
        None => tracing::event!(
            target: "mirrorm",
            Level::DEBUG,
            db.system.name = system,
            db.query.text = statement.sql,
            db.operation.name = operation,
            db.response.returned_rows = statement.rows,
            db.client.operation.duration = duration,
            code.file.path = file,
            code.line.number = line,
        ),
        Some(error) => tracing::event!(
            target: "mirrorm",
            Level::WARN,
            db.system.name = system,
            db.query.text = statement.sql,
            db.operation.name = operation,
            "error.type" = ?error.kind(),
            db.client.operation.duration = duration,
            code.file.path = file,
            code.line.number = line,
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use crate::dialect::{Features, Url};
    use crate::engine::{Engine, EngineOptions};
    use crate::error::ErrorKind;
    use crate::testing::{Answer, Mock};

    /// Keeps events as text.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    struct Fields(String);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0 += &format!(" {}={value:?}", field.name());
        }
    }

    impl Subscriber for Kept {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields(event.metadata().level().to_string());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn statements_are_events_without_their_values() {
        let kept = Kept::default();
        let (dialect, mock) = Mock::leak(Features::default());
        let url = Url::parse("mock://ann:password@host/shop").unwrap();
        let engine = Engine::new(dialect, &url, EngineOptions::new()).unwrap();
        mock.answer(Answer::Rows(vec!["a"], vec![vec![1.into()]]));
        mock.answer(Answer::Fail(ErrorKind::Unique));
        let conn = engine.connect().unwrap();
        tracing::subscriber::with_default(kept.clone(), || {
            conn.query_text("SELECT ?", ("a secret",)).unwrap();
            conn.execute("INSERT", ()).unwrap_err();
        });
        let events = kept.0.lock().unwrap();
        assert_eq!(events.len(), 2, "{events:?}");
        let begins = "DEBUG db.system.name=\"mock\" db.query.text=\"SELECT ?\" db.operation.name=\"SELECT\"";
        assert!(events[0].starts_with(begins), "{}", events[0]);
        assert!(events[0].contains("code.file.path=") && events[0].contains("trace.rs"), "{}", events[0]);
        assert!(!events[0].contains("secret") && !events[0].contains("password"), "{}", events[0]);
        assert!(events[1].starts_with("WARN") && events[1].contains("error.type=Unique"), "{}", events[1]);
    }
}
