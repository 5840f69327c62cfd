//! Configurations from maps and the environment, under our names and those of Flask-SQLAlchemy.
//!
//! Not here: what a configuration is (`mirrorm_session::Config`). Callers: programs.

use std::time::Duration;

use mirrorm_core::engine::EngineOptions;
use mirrorm_core::internal::did_you_mean;
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};
use mirrorm_session::Config;

/// The prefix of our names, in maps and in the environment.
const OWN: &str = "MIRRORM_";
/// The prefix of those of Flask-SQLAlchemy.
const SEED: &str = "SQLALCHEMY_";

/// Options by name, for `MIRRORM_POOL_SIZE`, in a bind's map and in `ENGINE_OPTIONS`.
const OPTIONS: [&str; 8] = [
    "POOL_SIZE",
    "POOL_TIMEOUT",
    "POOL_RECYCLE",
    "MAX_OVERFLOW",
    "PRE_PING_AFTER",
    "BUSY_TIMEOUT",
    "READ_ONLY",
    "ECHO",
];

/// What has a meaning after the prefix, beside the options.
const NAMES: [&str; 4] = ["DATABASE_URL", "DATABASE_URI", "BINDS", "ENGINE_OPTIONS"];

/// What meant something in Flask-SQLAlchemy, and what to do instead.
const GONE: [(&str, &str); 4] = [
    ("TRACK_MODIFICATIONS", "changes are tracked where somebody listens: leave it out"),
    ("COMMIT_ON_TEARDOWN", "a scope that ends commits nothing: use `db.transaction`"),
    ("NATIVE_UNICODE", "text is always Unicode: leave it out"),
    ("RECORD_QUERIES", "recording is asked for in code, by a `Recorder`: leave it out"),
];

/// Configurations that stand elsewhere. The prelude brings it in.
pub trait ReadConfig: Sized {
    /// Reads names and values, such as the settings of a web application.
    ///
    /// `MIRRORM_DATABASE_URL` is the default database; `MIRRORM_BINDS__LOGS`, or a JSON map under
    /// `MIRRORM_BINDS`, those of binds, a URL each or a map of `url` and options. Keys of binds from
    /// names are in lower case; those of a map are taken in the order of the alphabet.
    /// `MIRRORM_POOL_SIZE`, `MIRRORM_POOL_TIMEOUT`, `MIRRORM_POOL_RECYCLE` (seconds),
    /// `MIRRORM_MAX_OVERFLOW`, `MIRRORM_PRE_PING_AFTER`, `MIRRORM_BUSY_TIMEOUT` (seconds),
    /// `MIRRORM_READ_ONLY` and `MIRRORM_ECHO` are options of all databases, a map under
    /// `MIRRORM_ENGINE_OPTIONS` those of the default one. `SQLALCHEMY_DATABASE_URI`,
    /// `SQLALCHEMY_BINDS` and the others mean the
    /// same. A value of NULL counts as not there, and names without one of the two prefixes are
    /// somebody else's.
    ///
    /// A mistake is returned by what takes the configuration: an unknown name, with near ones; a value
    /// that is none; a name of Flask-SQLAlchemy that has no meaning here, with what to do instead.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let settings = [
    ///     ("DEBUG", Value::from(true)),
    ///     ("SQLALCHEMY_DATABASE_URI", "sqlite://".into()),
    ///     ("SQLALCHEMY_BINDS", r#"{"logs": "sqlite://", "old": {"url": "sqlite://", "read_only": true}}"#.into()),
    /// ];
    /// let db = Db::new();
    /// db.init(Config::from_map(settings))?;
    /// assert_eq!(db.binds().len(), 3);
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn from_map<N: AsRef<str>, V: Into<Value>>(settings: impl IntoIterator<Item = (N, V)>) -> Self;

    /// Reads the variables of the environment that begin with `MIRRORM_`, as [`ReadConfig::from_map`]
    /// does.
    ///
    /// # Example
    /// ```no_run
    /// use mirrorm::prelude::*;
    ///
    /// // MIRRORM_DATABASE_URL=sqlite:///shop.db MIRRORM_BINDS__LOGS=sqlite:///logs.db
    /// let db = Db::new();
    /// db.init(Config::from_env())?;
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    fn from_env() -> Self;
}

impl ReadConfig for Config {
    fn from_map<N: AsRef<str>, V: Into<Value>>(settings: impl IntoIterator<Item = (N, V)>) -> Config {
        let mut reader = Reader::default();
        for (name, value) in settings {
            let (name, value) = (name.as_ref(), value.into());
            let own = name.strip_prefix(OWN).or_else(|| name.strip_prefix(SEED));
            if let (Some(own), false) = (own, value.is_null())
                && let Err(error) = reader.take(own, &value)
            {
                return Config::new().mistaken(error.at(name));
            }
        }
        reader.finish()
    }

    fn from_env() -> Config {
        let mut settings = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(OWN)) else { continue };
            match value.into_string() {
                Ok(value) => settings.push((name.to_string(), value)),
                Err(_) => return Config::new().mistaken(wrong("text in UTF-8").at(name)),
            }
        }
        // The environment has no order; binds shall have one.
        settings.sort();
        Config::from_map(settings)
    }
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    urls: Vec<String>,
    binds: Vec<(String, String, EngineOptions)>,
    defaults: EngineOptions,
    own: EngineOptions,
}

impl Reader {
    /// A name without its prefix, and its value.
    fn take(&mut self, name: &str, value: &Value) -> Result<()> {
        if let Some(bind) = name.strip_prefix("BINDS__") {
            return self.bind(&bind.to_lowercase(), &json_or_text(value)?);
        }
        match name {
            "DATABASE_URL" | "DATABASE_URI" => self.urls.push(text(value)?),
            "BINDS" => {
                let map = json_or_text(value)?;
                let binds = map.as_object().ok_or_else(|| wrong("a JSON map of bind keys"))?;
                return binds.iter().try_for_each(|(key, value)| self.bind(key, value));
            }
            "ENGINE_OPTIONS" => self.own = options(&json_or_text(value)?)?.1,
            _ if OPTIONS.contains(&name) => {
                self.defaults = option(std::mem::take(&mut self.defaults), name, &text(value)?)?;
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn bind(&mut self, key: &str, value: &serde_json::Value) -> Result<()> {
        let (url, options) = match value {
            serde_json::Value::String(url) => (Some(url.clone()), EngineOptions::new()),
            map => options(map).map_err(|error| error.at(format!("the bind `{key}`")))?,
        };
        let url = url.ok_or_else(|| wrong("a map with a `url`").at(format!("the bind `{key}`")))?;
        self.binds.push((key.to_string(), url, options));
        Ok(())
    }

    fn finish(self) -> Config {
        let mut config = Config::new().options(self.defaults);
        for url in self.urls {
            config = config.database(None, &url, self.own.clone());
        }
        for (key, url, options) in self.binds {
            config = config.database(key.as_str(), &url, options);
        }
        config
    }
}

/// The URL and the options of a map.
fn options(map: &serde_json::Value) -> Result<(Option<String>, EngineOptions)> {
    let map = map.as_object().ok_or_else(|| wrong("a URL or a map"))?;
    let (mut url, mut all) = (None, EngineOptions::new());
    for (name, value) in map {
        let value = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match name.as_str() {
            "url" => url = Some(value),
            _ => all = option(all, &name.to_uppercase(), &value).map_err(|error| error.at(name))?,
        }
    }
    Ok((url, all))
}

/// An option by its name.
fn option(options: EngineOptions, name: &str, value: &str) -> Result<EngineOptions> {
    let number = || value.parse::<usize>().map_err(|_| wrong("a number"));
    let seconds = || {
        let seconds = value.parse::<f64>().map_err(|_| wrong("a number of seconds"))?;
        Duration::try_from_secs_f64(seconds).map_err(|_| wrong("a number of seconds"))
    };
    Ok(match name {
        "POOL_SIZE" => options.size(number()?),
        "MAX_OVERFLOW" => options.overflow(number()?),
        "POOL_TIMEOUT" => options.timeout(seconds()?),
        // Flask-SQLAlchemy says never with -1.
        "POOL_RECYCLE" if value == "-1" => options,
        "POOL_RECYCLE" => options.recycle(seconds()?),
        "PRE_PING_AFTER" => options.ping_after(seconds()?),
        "BUSY_TIMEOUT" => options.busy_timeout(seconds()?),
        "READ_ONLY" => options.read_only(truth(value)?),
        "ECHO" => options.echo(truth(value)?),
        _ => return Err(unknown(name)),
    })
}

fn truth(value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(wrong("true or false")),
    }
}

fn text(value: &Value) -> Result<String> {
    match value {
        Value::Text(text) => Ok(text.to_string()),
        Value::Int(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(wrong("text or a number")),
    }
}

/// A map as JSON, or as the text of it; any other text is a string.
fn json_or_text(value: &Value) -> Result<serde_json::Value> {
    let text = match value {
        Value::Json(json) => json.as_str().to_string(),
        other => text(other)?,
    };
    match text.trim_start().starts_with('{') {
        true => serde_json::from_str(&text).map_err(|error| wrong("a JSON map").with_source(error)),
        false => Ok(serde_json::Value::String(text)),
    }
}

fn unknown(name: &str) -> Error {
    if let Some((_, instead)) = GONE.iter().find(|(gone, _)| *gone == name) {
        return Error::new(ErrorKind::Config, *instead);
    }
    let near = did_you_mean(name, OPTIONS.iter().chain(&NAMES).copied());
    Error::new(ErrorKind::Config, format!("no setting is called `{name}`{near}"))
}

/// What is wanted instead. The value is left out: it may hold a password.
fn wrong(wanted: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the value is not {wanted}"))
}
