//! test_types.py: texts, bytes, truths, labels, UUIDs, arrays, types of a program's own. Its numbers, times and JSON are
//! in files of their own.

use mirrorm::compile::Compile;
use mirrorm::prelude::*;
use mirrorm::types::{CustomType, EnumType};
use mirrorm::value::{Array, FromValue, Json as Document, Uuid as Id};

use super::{On, methods};

/// A statement's text with its values in it.
pub(super) fn text_of(on: &On<'_>, statement: &impl Compile) -> String {
    statement.to_sql(&on.db.engine().unwrap().target().unwrap()).unwrap()
}

/// The rows of a SELECT that is sent as text, its values in it.
pub(super) fn told(on: &On<'_>, select: &mirrorm::stmt::Select) -> Rows {
    on.db.query_text(&text_of(on, select), ()).unwrap()
}

/// Writes values and a NULL into a column of the type, as literals; looks for them by literals where they can be
/// compared; and reads what came of them.
pub(super) fn literals(on: &On<'_>, ty: Type, given: &[Value], comparable: bool) -> Vec<Value> {
    let name = format!("t{}", on.db.tables().len());
    let table = on.table(&name, (column("id", Integer).primary_key(), column("x", ty)));
    for value in given.iter().chain([&Value::Null]) {
        let one = insert(&table).values(values! { "x" => value });
        on.is(on.db.execute(&text_of(on, &one), ()).unwrap(), 1);
    }
    let (id, x) = (table.c("id"), table.c("x"));
    if comparable {
        for value in given {
            on.holds(!told(on, &select(&table).filter(x.eq(value))).is_empty());
        }
    }
    let null: i64 = told(on, &select(&id).filter(x.is_null())).one().unwrap().get(0).unwrap();
    on.is(null, given.len() as i64 + 1);
    select(&x).filter(x.is_not_null()).order_by(&id).scalars(on.db).unwrap()
}

/// A text comes back from its literal as it was.
fn text_literal(on: &On<'_>, ty: Type, text: &str) {
    on.is(literals(on, ty, &[text.into()], true), [Value::from(text)]);
}

/// Letters of one to four bytes, marks that are put on letters, and quotation marks of print.
const LETTERS: &str = "„Größe“: naïve façade — 東京 🦀, Ελλάδα, e\u{301}tude, ’t is 🏳\u{fe0f}\u{200d}🌈";

/// Every sort of quotes.
const QUOTES: &str = r#"it's 'one' and "two" and ''three''"#;

const BACKSLASHES: &str = r"one \ two \\ an end \";

/// A table of one column of texts.
fn texts(on: &On<'_>, ty: Type) -> Table {
    let name = format!("t{}", on.db.tables().len());
    on.table(&name, (column("id", Integer).primary_key(), column("data", ty)))
}

/// A value comes back from a column as it was.
fn comes_back(on: &On<'_>, table: &Table, column: &str, value: impl Into<Value>) {
    let value = value.into();
    insert(table).values([(column, value.clone())]).run(on.db).unwrap();
    on.is(select(table.c(column)).scalar::<Value>(on.db).unwrap(), value);
}

/// Whole numbers that are kept as text.
struct TextOfNumber;

impl CustomType for TextOfNumber {
    fn name(&self) -> &str {
        "text of a number"
    }

    fn base(&self) -> Type {
        Varchar(50)
    }

    fn bind(&self, value: Value) -> Result<Value> {
        Ok(Option::<i64>::from_value(value)?.map(|number| number.to_string()).into())
    }

    fn result(&self, value: Value) -> Result<Value> {
        let text = Option::<String>::from_value(value)?;
        text.map(|text| text.parse::<i64>().map_err(|_| Error::conversion("no number")))
            .transpose()
            .map(Value::from)
    }
}

/// Documents that are kept as bytes.
struct Packed;

impl CustomType for Packed {
    fn name(&self) -> &str {
        "packed"
    }

    fn base(&self) -> Type {
        Binary
    }

    fn bind(&self, value: Value) -> Result<Value> {
        Ok(Option::<Document>::from_value(value)?
            .map(|document| document.as_str().as_bytes().to_vec())
            .into())
    }

    fn result(&self, value: Value) -> Result<Value> {
        let Some(bytes) = Option::<Vec<u8>>::from_value(value)? else { return Ok(Value::Null) };
        String::from_utf8_lossy(&bytes).parse().map(Value::Json)
    }
}

/// UUIDs that are kept as 32 digits, whatever the database has for them.
struct Digits;

impl CustomType for Digits {
    fn name(&self) -> &str {
        "digits of a UUID"
    }

    fn base(&self) -> Type {
        Char(32)
    }

    fn bind(&self, value: Value) -> Result<Value> {
        let id: Id = match value {
            Value::Null => return Ok(Value::Null),
            Value::Text(text) => text.parse()?,
            other => Id::from_value(other)?,
        };
        Ok(id.to_string().replace('-', "").into())
    }

    fn result(&self, value: Value) -> Result<Value> {
        let text = Option::<String>::from_value(value)?;
        Ok(text.map(|text| text.parse::<Id>()).transpose()?.into())
    }
}

const ID: &str = "0f9c1a52-7be4-4d0a-9e36-5ac2d871b3ef";

fn id() -> Id {
    ID.parse().unwrap()
}

/// A column of each of the two sorts of UUIDs.
fn ids(on: &On<'_>) -> Table {
    let parts =
        (column("id", Integer).primary_key(), column("native", Uuid), column("own", Type::custom(Digits)));
    on.table("ids", parts)
}

const LABELS: [&str; 5] = ["a", "b", "a%", "b%percent", "réveillé"];

fn labels(on: &On<'_>) -> Table {
    let moods = Type::from(EnumType::named(None, "mood", LABELS));
    on.table("moods", (column("id", Integer).primary_key(), column("mood", moods)))
}

/// Labels in another order than their own.
const SOME_LABELS: [(i64, &str); 4] = [(1, "b%percent"), (2, "réveillé"), (3, "b"), (4, "a%")];

fn pairs() -> Array {
    let items = ["one", "two", "thr'ee", "drôle 🦀 \"x\", {y}"];
    let items = items.into_iter().map(Value::from).collect();
    Array::with_dimensions("text", vec![(1, 2), (1, 2)], items).unwrap()
}

fn flat() -> Array {
    Array::new("integer", vec![1.into(), 2.into(), 3.into()])
}

/// An array came back: its items and its dimensions, whatever the database calls the type of its items.
fn is_array(on: &On<'_>, came: &Value, expected: &Array) {
    let came = Array::from_value(came.clone()).unwrap();
    on.is(came.items(), expected.items());
    on.is(came.dimensions(), expected.dimensions());
}

methods! {
    UnicodeFixture {
        fn round_trip(on) {
            for ty in [Varchar(255), Text] {
                comes_back(on, &texts(on, ty), "data", LETTERS);
            }
        }

        fn round_trip_executemany(on) {
            for ty in [Varchar(255), Text] {
                let table = texts(on, ty);
                insert(&table).rows(["id", "data"], (1..=3).map(|id| (id, LETTERS))).run(on.db).unwrap();
                on.is(on.texts(&select(table.c("data"))), [LETTERS; 3]);
            }
        }

        fn literal(on) {
            text_literal(on, Varchar(255), LETTERS);
            text_literal(on, Text, LETTERS);
        }

        fn literal_non_ascii(on) {
            text_literal(on, Varchar(255), "drôle 🦀 été");
            text_literal(on, Text, "drôle 🦀 été");
        }
    }

    UnicodeVarcharTest {
        fn empty_strings_varchar(on) {
            comes_back(on, &texts(on, Varchar(255)), "data", "");
        }

        fn null_strings_varchar(on) {
            comes_back(on, &texts(on, Varchar(255)), "data", Value::Null);
        }
    }

    UnicodeTextTest {
        fn empty_strings_text(on) {
            comes_back(on, &texts(on, Text), "data", "");
        }

        fn null_strings_text(on) {
            comes_back(on, &texts(on, Text), "data", Value::Null);
        }
    }

    ArrayTest {
        fn array_roundtrip(on) needs [Arrays] {
            let (of_integers, of_texts) = (Type::Array(Integer.into()), Type::Array(Text.into()));
            let table = on.table("arrays", (column("flat", of_integers), column("pairs", of_texts)));
            insert(&table).values(values! { "flat" => flat(), "pairs" => pairs() }).run(on.db).unwrap();
            let row = select(&table).one(on.db).unwrap();
            is_array(on, &row.get("flat").unwrap(), &flat());
            is_array(on, &row.get("pairs").unwrap(), &pairs());
        }

        fn literal_simple(on) needs [Arrays] {
            let came = literals(on, Type::Array(Integer.into()), &[flat().into()], true);
            is_array(on, &came[0], &flat());
        }

        fn literal_complex(on) needs [Arrays] {
            let came = literals(on, Type::Array(Text.into()), &[pairs().into()], true);
            is_array(on, &came[0], &pairs());
        }
    }

    BinaryTest {
        fn binary_roundtrip(on) {
            for bytes in [&b"plain words"[..], b"9\xc3\x28\xff\0'\\", b""] {
                let name = format!("b{}", on.db.tables().len());
                comes_back(on, &on.table(&name, column("data", Binary)), "data", bytes);
            }
        }

        // What Python pickles is here a type of the program's own, kept as bytes.
        fn pickle_roundtrip(on) {
            let table = on.table("packed", (column("id", Integer).primary_key(), column("data", Type::custom(Packed))));
            let object = serde_json::json!({ "list": [1, 2, 3], "text": "été" });
            insert(&table).values(values! { "data" => object.clone() }).run(on.db).unwrap();
            on.is(select(table.c("data")).scalar::<serde_json::Value>(on.db).unwrap(), object);
            let plain = Table::new("packed", column("data", Binary)).unwrap();
            on.holds(select(plain.c("data")).scalar::<Vec<u8>>(on.db).unwrap().starts_with(b"{"));
        }
    }

    TextTest {
        fn text_roundtrip(on) {
            comes_back(on, &texts(on, Text), "data", "some words");
        }

        fn text_empty_strings(on) {
            comes_back(on, &texts(on, Text), "data", "");
        }

        fn text_null_strings(on) {
            comes_back(on, &texts(on, Text), "data", Value::Null);
        }

        fn literal(on) {
            text_literal(on, Text, "some words");
        }

        fn literal_non_ascii(on) {
            text_literal(on, Text, "drôle 🦀 été");
        }

        fn literal_quoting(on) {
            text_literal(on, Text, QUOTES);
        }

        fn literal_backslashes(on) {
            text_literal(on, Text, BACKSLASHES);
        }

        fn literal_percentsigns(on) {
            text_literal(on, Text, "5 % and %% and %s");
        }
    }

    StringTest {
        // A text without a length has a type of its own here.
        fn nolength_string(on) {
            let table = on.table("foo", column("one", Text));
            on.is(select(&table).count(on.db).unwrap(), 0);
            on.db.drop_all().unwrap();
            on.fails(select(&table).all(on.db), ErrorKind::NoSuchTable);
        }

        fn literal(on) {
            text_literal(on, Varchar(40), "some words");
        }

        fn literal_non_ascii(on) {
            text_literal(on, Varchar(40), "drôle 🦀 été");
        }

        fn dont_truncate_rightside(on) {
            let table = texts(on, Varchar(2));
            insert(&table).rows(["data"], [["AB"], ["BC"], ["AC"]]).run(on.db).unwrap();
            let data = table.c("data");
            let like = |pattern: &str| on.texts(&select(&data).filter(data.like(pattern)).order_by(&data));
            on.is(like("%B%"), ["AB", "BC"]);
            on.is(like("A%C"), ["AC"]);
            on.is(like("A%C%Z"), [""; 0]);
        }

        fn literal_quoting(on) {
            text_literal(on, Varchar(40), QUOTES);
        }

        fn literal_backslashes(on) {
            text_literal(on, Varchar(40), BACKSLASHES);
        }

        fn concatenate_binary(on) {
            on.is(select(Expr::from("a").concat("b")).scalar::<String>(on.db).unwrap(), "ab");
        }

        fn concatenate_clauselist(on) {
            let all = Expr::from("a").concat("b").concat("c").concat(Expr::from("d").concat("e"));
            on.is(select(all).scalar::<String>(on.db).unwrap(), "abcde");
        }
    }

    CastTypeDecoratorTest {
        // The hooks of a type run in the program, where SQLAlchemy writes a CAST.
        fn special_type(on) {
            let table = texts(on, Type::custom(TextOfNumber));
            let data = table.c("data");
            insert(&table).rows(["data"], [[1], [2], [3]]).run(on.db).unwrap();
            on.is(select(&data).order_by(table.c("id")).scalars::<i64>(on.db).unwrap(), [1, 2, 3]);
            on.is(select(&data).filter(data.eq(2)).scalars::<i64>(on.db).unwrap(), [2]);
            let plain = Table::new("t0", column("data", Varchar(50))).unwrap();
            on.is(on.texts(&select(plain.c("data")).order_by(plain.c("data"))), ["1", "2", "3"]);
        }
    }

    BooleanTest {
        fn render_literal_bool(on) {
            let both = [Value::Bool(true), Value::Bool(false)];
            on.is(literals(on, Boolean, &both, true), both);
        }

        fn round_trip(on) {
            let table = on.table("truths", (column("yes", Boolean), column("no", Boolean)));
            insert(&table).values(values! { "yes" => true, "no" => false }).run(on.db).unwrap();
            let row = select(&table).one(on.db).unwrap();
            on.is(row.values(), [Value::Bool(true), Value::Bool(false)]);
        }

        fn null(on) {
            let table = on.table("truths", (column("yes", Boolean), column("no", Boolean)));
            insert(&table).values(values! { "yes" => None::<bool>, "no" => Value::Null }).run(on.db).unwrap();
            on.is(select(&table).one(on.db).unwrap().values(), [Value::Null, Value::Null]);
        }

        fn whereclause(on) {
            let table = on.table("truths", (column("id", Integer).primary_key(), column("value", Boolean)));
            insert(&table).rows(["id", "value"], [(1, Some(true)), (2, Some(false)), (3, None)]).run(on.db).unwrap();
            let (id, value) = (table.c("id"), table.c("value"));
            on.is(on.texts(&select(&id).filter(&value)), ["1"]);
            on.is(on.texts(&select(&id).filter(!&value)), ["2"]);
            on.is(on.texts(&select(&id).filter(value.eq(false))), ["2"]);
        }
    }

    EnumTest {
        fn round_trip(on) {
            let table = labels(on);
            for (id, label) in (1..).zip(LABELS) {
                insert(&table).values(values! { "id" => id, "mood" => label }).run(on.db).unwrap();
                let found = select(table.c("mood")).filter(table.c("id").eq(id) & table.c("mood").eq(label));
                on.is(found.scalar::<String>(on.db).unwrap(), label);
            }
            let wrong = insert(&table).values(values! { "id" => 9, "mood" => "c" }).run(on.db);
            on.fails(wrong, ErrorKind::Conversion);
        }

        fn round_trip_executemany(on) {
            let table = labels(on);
            insert(&table).rows(["id", "mood"], SOME_LABELS).run(on.db).unwrap();
            let found = on.texts(&select(table.c("mood")).order_by(table.c("id")));
            on.is(found, SOME_LABELS.map(|(_, label)| label));
        }

        fn round_trip_executemany_returning(on) needs [Returning] {
            let table = labels(on);
            let inserted = insert(&table).rows(["id", "mood"], SOME_LABELS).returning(table.c("mood"));
            let came = inserted.all(on.db).unwrap().scalars::<String>().unwrap();
            on.is(came, SOME_LABELS.map(|(_, label)| label));
        }
    }

    UuidTest {
        fn uuid_round_trip(on) {
            let table = ids(on);
            insert(&table).values(values! { "native" => id(), "own" => id() }).run(on.db).unwrap();
            let found = select(&table).filter(table.c("native").eq(id()) & table.c("own").eq(id()));
            let row = found.one(on.db).unwrap();
            on.is(row.get::<Id>("native").unwrap(), id());
            on.is(row.get::<Id>("own").unwrap(), id());
        }

        fn uuid_text_round_trip(on) {
            let table = ids(on);
            insert(&table).values(values! { "native" => ID, "own" => ID.to_uppercase() }).run(on.db).unwrap();
            let found = select(&table).filter(table.c("native").eq(ID.to_uppercase()) & table.c("own").eq(ID));
            let row = found.one(on.db).unwrap();
            on.is(row.get::<String>("native").unwrap(), ID);
            on.is(row.get::<String>("own").unwrap(), ID);
        }

        fn literal_uuid(on) {
            on.is(literals(on, Uuid, &[id().into()], true), [Value::Uuid(id())]);
        }

        fn literal_text(on) {
            on.is(literals(on, Uuid, &[ID.into()], true), [Value::Uuid(id())]);
        }

        fn literal_nonnative_uuid(on) {
            on.is(literals(on, Type::custom(Digits), &[id().into()], true), [Value::Uuid(id())]);
        }

        fn literal_nonnative_text(on) {
            on.is(literals(on, Type::custom(Digits), &[ID.into()], true), [Value::Uuid(id())]);
        }

        fn uuid_returning(on) needs [Returning] {
            let table = ids(on);
            let one = insert(&table).values(values! { "native" => id(), "own" => ID });
            let came = one.returning((table.c("native"), table.c("own"))).all(on.db).unwrap().one().unwrap();
            on.is(came.get::<Id>("native").unwrap(), id());
            on.is(came.get::<Id>("own").unwrap(), id());
        }
    }
}
