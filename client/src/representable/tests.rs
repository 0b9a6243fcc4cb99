//! The check accepts exactly the values that can be written.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use serde::ser::Serializer;
use serde_json::value::to_raw_value;

use super::{check, write};

#[derive(Serialize)]
struct Point {
    x: f64,
    y: Option<f32>,
}

#[derive(Serialize)]
struct Meters(f64);

#[derive(Serialize)]
struct Pair(u8, f32);

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
enum Shape {
    Dot,
    Circle(f64),
    Oval(f64, f64),
    Square { side: f32 },
}

#[derive(Serialize)]
#[serde(tag = "kind")]
enum Tagged {
    At(Point),
}

#[derive(Serialize)]
struct Labelled {
    label: String,
    #[serde(flatten)]
    rest: BTreeMap<String, f64>,
    #[serde(skip)]
    _hidden: f64,
}

/// A value that is written as a string, whatever it is.
struct Text(f64);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

/// Writes and checks a value, which must agree.
#[track_caller]
fn representable<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let words = |error: &dyn Display| error.to_string();
    let mut out = Vec::new();
    let written = write(&mut out, value).map_err(|error| words(&error));
    let written = written.map(|()| String::from_utf8(out).unwrap());
    let checked = check(value).map_err(|error| words(&error));
    assert_eq!(written.is_ok(), checked.is_ok(), "written {written:?}, checked {checked:?}");
    checked.and(written)
}

fn keys<K: Ord>(key: K) -> BTreeMap<K, u8> {
    BTreeMap::from([(key, 1)])
}

#[test]
fn representable_values_are_written_as_serde_json_writes_them() {
    fn same<T: Serialize>(value: T) {
        assert_eq!(representable(&value).unwrap(), serde_json::to_string(&value).unwrap());
    }
    same((true, 'ж', "text", -1_i8, u128::MAX, i128::MIN));
    same((1.5_f32, -0.0, f64::MAX, f64::MIN_POSITIVE, None::<f64>, Some(0.1)));
    same(((), Unit, Meters(1.0), Pair(1, 2.0), [1_u64; 3]));
    same([Shape::Dot, Shape::Circle(1.0), Shape::Oval(1.0, 2.0), Shape::Square { side: 0.5 }]);
    same(Tagged::At(Point { x: 1e300, y: None }));
    same(Labelled { label: "l".to_owned(), rest: BTreeMap::from([("a".to_owned(), 1.0)]), _hidden: f64::NAN });
    same((keys("a"), keys('b'), keys(-3_i64), keys(u128::MAX), keys(true), keys(Some(4_u8))));
    same(Text(f64::NAN));
    same(serde_json::json!({ "a": [1, 2.5, null, "x"] }));
    same(to_raw_value(&[1, 2]).unwrap());
}

#[test]
fn a_number_that_json_does_not_have_is_found_wherever_it_is() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let short = value as f32;
        for error in [
            representable(&value),
            representable(&short),
            representable(&Some(value)),
            representable(&Box::new(Meters(value))),
            representable(&[0.0, value]),
            representable(&(1, short)),
            representable(&Pair(1, short)),
            representable(&Point { x: value, y: None }),
            representable(&Point { x: 0.0, y: Some(short) }),
            representable(&Shape::Circle(value)),
            representable(&Shape::Oval(0.0, value)),
            representable(&Shape::Square { side: short }),
            representable(&Tagged::At(Point { x: value, y: None })),
            representable(&BTreeMap::from([("a", vec![value])])),
            representable(&Labelled {
                label: String::new(),
                rest: BTreeMap::from([("a".to_owned(), value)]),
                _hidden: 0.0,
            }),
        ] {
            let error = error.unwrap_err();
            assert!(error.ends_with(&format!("JSON has no number {value}")), "{error}");
        }
    }
}

#[test]
fn the_path_to_an_unrepresentable_value_is_reported() {
    #[derive(Serialize)]
    struct Path {
        points: Vec<Point>,
    }
    let weights = BTreeMap::from([("oil", BTreeMap::from([(7, f32::INFINITY)]))]);
    assert_eq!(check(&weights).unwrap_err().to_string(), "oil: 7: JSON has no number inf");
    let error = check(&Path { points: vec![Point { x: f64::NAN, y: None }] }).unwrap_err();
    assert_eq!((error.field(), error.to_string().as_str()), (Some("points"), "points: x: JSON has no number NaN"));
}

#[test]
fn invalid_keys_and_failing_serializers_are_unrepresentable() {
    assert!(representable(&keys((1, 2))).is_err());
    assert!(representable(&keys(())).is_err());
    assert!(representable(&keys(None::<u8>)).is_err());
    assert!(representable(&keys(vec![1])).is_err());
    assert!(representable(&keys(BTreeMap::from([(1, 2)]))).is_err());
    assert!(representable(&vec![Refuses]).is_err());
}
