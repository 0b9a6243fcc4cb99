//! The deserializer of the tree. Text is read as the type of its field requires.

use std::cell::RefCell;
use std::collections::{BTreeMap, btree_map};
use std::vec;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::super::setting_source::SettingSource;
use super::error::{AppError, Place, closest, closest_field};
use super::secrets::Shown;
use super::text;
use super::value::{AppValue, Kind, names_same};

/// What reading the settings has shown, besides their value.
#[derive(Clone, Debug, Default)]
pub(crate) struct AppNotes {
    /// Warnings about what no field takes.
    pub(crate) warnings: Vec<String>,
    /// The fields that no source has, as paths.
    pub(super) unset: Vec<String>,
}

/// What is noticed while the tree is read.
#[derive(Default)]
pub(super) struct Notes(RefCell<AppNotes>);

impl Notes {
    pub(super) fn into_inner(self) -> AppNotes {
        self.0.into_inner()
    }

    /// Notes a value that no field takes. `fields` are those of its table.
    fn ignore(&self, path: &str, value: &AppValue, fields: &[&str]) {
        let subject = value.first_source().subject(path);
        let fix = match closest_field(path, fields) {
            Some(field) => format!("did you mean {field:?}?"),
            None if value.is_of_environment() => "it is ignored".to_owned(),
            None => closest(path, fields),
        };
        self.0.borrow_mut().warnings.push(format!("{subject} is not a setting of this program: {fix}"));
    }
}

/// A value that is read.
pub(super) struct Reader<'a> {
    value: AppValue,
    path: String,
    notes: &'a Notes,
    /// The fields of the table that has the value.
    fields: &'static [&'static str],
}

impl<'a> Reader<'a> {
    pub(super) fn root(value: AppValue, notes: &'a Notes) -> Self {
        Self { value, path: "app".to_owned(), notes, fields: &[] }
    }

    fn place(path: &str, value: &AppValue) -> Place {
        Place { path: path.to_owned(), source: value.first_source().clone(), shown: Shown::new(path, value) }
    }

    /// Runs `read` on the text of a variable or flag, and anything else by its own type.
    fn read_text<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        read: impl FnOnce(&Self, &str, V) -> Result<V::Value, AppError>,
    ) -> Result<V::Value, AppError> {
        match &self.value.kind {
            Kind::Text(text) => read(&self, text, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Reads a table whose fields are known, or `None` for a map.
    fn read_table<'de, V: Visitor<'de>>(
        mut self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, AppError> {
        if let Kind::Text(text) = &self.value.kind
            && let Some(table) = text::table(text, &self.value.source)
        {
            self.value = table;
        }
        let Kind::Table(entries) = self.value.kind else { return self.deserialize_any(visitor) };
        let entries = match fields {
            None => entries,
            Some(fields) => of_fields(entries, fields, &self.path, self.notes),
        };
        let fields = fields.unwrap_or_default();
        visitor.visit_map(TableReader::new(entries, self.path, self.notes, fields))
    }
}

/// Returns the entries under the names of their fields. Notes variables that no field takes, which
/// may be meant for another program, and fields that have no value.
fn of_fields(
    entries: BTreeMap<String, AppValue>,
    fields: &'static [&'static str],
    path: &str,
    notes: &Notes,
) -> BTreeMap<String, AppValue> {
    let mut named = BTreeMap::new();
    for (key, value) in entries {
        let field = fields.iter().find(|field| **field == key).or_else(|| {
            let is_from_file = matches!(value.source, SettingSource::File(..));
            fields.iter().find(|field| !is_from_file && names_same(field, &key))
        });
        match field {
            Some(field) => _ = named.insert((*field).to_owned(), value),
            None if value.is_of_environment() => notes.ignore(&format!("{path}.{key}"), &value, fields),
            None => _ = named.insert(key, value),
        }
    }
    for field in fields.iter().filter(|field| !named.contains_key(**field)) {
        notes.0.borrow_mut().unset.push(format!("{path}.{field}"));
    }
    named
}

/// Writes the functions for numbers.
macro_rules! numbers {
    ($($function:ident: $type:ty, $visit:ident;)*) => {$(
        fn $function<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
            self.read_text(visitor, |_, text, visitor| match text.trim().parse::<$type>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(Error::invalid_value(Unexpected::Str(text), &visitor)),
            })
        }
    )*};
}

/// Writes the functions for types that are texts.
macro_rules! texts {
    ($($function:ident)*) => {$(
        fn $function<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
            self.read_text(visitor, |_, text, visitor| visitor.visit_str(text))
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = AppError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
        let Self { value: AppValue { kind, source }, path, notes, fields } = self;
        match kind {
            Kind::Text(text) => match text::toml_value(&text, &source) {
                Some(value) => Self { value, path, notes, fields }.deserialize_any(visitor),
                None => visitor.visit_string(text),
            },
            Kind::String(text) => visitor.visit_string(text),
            Kind::Integer(number) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_i128(number),
            },
            Kind::Float(number) => visitor.visit_f64(number),
            Kind::Bool(value) => visitor.visit_bool(value),
            Kind::Array(items) => visitor.visit_seq(ListReader { items: items.into_iter(), path, notes, whole: None }),
            Kind::Table(entries) => visitor.visit_map(TableReader::new(entries, path, notes, &[])),
        }
    }

    numbers! {
        deserialize_i8: i8, visit_i8;
        deserialize_i16: i16, visit_i16;
        deserialize_i32: i32, visit_i32;
        deserialize_i64: i64, visit_i64;
        deserialize_i128: i128, visit_i128;
        deserialize_u8: u8, visit_u8;
        deserialize_u16: u16, visit_u16;
        deserialize_u32: u32, visit_u32;
        deserialize_u64: u64, visit_u64;
        deserialize_u128: u128, visit_u128;
        deserialize_f32: f32, visit_f32;
        deserialize_f64: f64, visit_f64;
    }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
        self.read_text(visitor, |_, text, visitor| match text::switch(text) {
            Some(value) => visitor.visit_bool(value),
            None => Err(Error::invalid_value(Unexpected::Str(text), &visitor)),
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, AppError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
        self.read_text(visitor, |reader, text, visitor| {
            let items = text::list(text, &reader.value.source).into_iter();
            let (path, notes, whole) = (reader.path.clone(), reader.notes, Some(&reader.value));
            visitor.visit_seq(ListReader { items, path, notes, whole })
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, AppError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, AppError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
        self.read_table(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, AppError> {
        self.read_table(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, AppError> {
        match self.value.kind {
            Kind::Text(text) | Kind::String(text) => visitor.visit_enum(StrDeserializer::new(&text)),
            Kind::Table(entries) => {
                let table = TableReader::new(entries, self.path, self.notes, &[]);
                visitor.visit_enum(MapAccessDeserializer::new(table))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, AppError> {
        self.notes.ignore(&self.path, &self.value, self.fields);
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { bytes byte_buf unit unit_struct }
}

/// The items of a list.
struct ListReader<'a> {
    items: vec::IntoIter<AppValue>,
    path: String,
    notes: &'a Notes,
    /// The text of a variable or a flag that is split into the items.
    whole: Option<&'a AppValue>,
}

impl ListReader<'_> {
    /// Returns the place of an item.
    fn place(&self, item: &AppValue) -> Place {
        if let Some(mut whole) = self.whole.map(|whole| Reader::place(&self.path, whole))
            && whole.shown.hides()
        {
            // A comma in a secret splits it, and an item with a part of it looks like any other.
            whole.shown.hide(item);
            return whole;
        }
        Reader::place(&self.path, item)
    }
}

impl<'de> SeqAccess<'de> for ListReader<'_> {
    type Error = AppError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, AppError> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let item = Reader { value: value.clone(), path: self.path.clone(), notes: self.notes, fields: &[] };
        seed.deserialize(item).map(Some).map_err(|error| error.at(|| self.place(&value)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a table.
struct TableReader<'a> {
    entries: btree_map::IntoIter<String, AppValue>,
    /// The value that is next, and its path.
    next: Option<(String, AppValue)>,
    path: String,
    notes: &'a Notes,
    fields: &'static [&'static str],
}

impl<'a> TableReader<'a> {
    fn new(
        entries: BTreeMap<String, AppValue>,
        path: String,
        notes: &'a Notes,
        fields: &'static [&'static str],
    ) -> Self {
        Self { entries: entries.into_iter(), next: None, path, notes, fields }
    }
}

impl<'de> MapAccess<'de> for TableReader<'_> {
    type Error = AppError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, AppError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let path = format!("{}.{key}", self.path);
        let read = seed.deserialize(StrDeserializer::new(&key));
        let read = read.map_err(|error: AppError| error.at(|| Reader::place(&path, &value)))?;
        self.next = Some((path, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, AppError> {
        let Some((path, value)) = self.next.take() else { return Err(Error::custom("a key comes before its value")) };
        let reader = Reader { value: value.clone(), path: path.clone(), notes: self.notes, fields: self.fields };
        seed.deserialize(reader).map_err(|error| error.at(|| Reader::place(&path, &value)))
    }
}
