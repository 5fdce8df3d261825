//! A list that is made while it is written, so that memory does not grow with the findings.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

type Made<'a, T> = Box<dyn Iterator<Item = T> + 'a>;

pub(crate) struct Each<'a, T>(pub(crate) Box<dyn Fn() -> Made<'a, T> + 'a>);

/// One made for each element of `from`.
pub(crate) fn each<'a, T, O: 'a>(
    from: &'a [T],
    make: impl Fn(&'a T) -> O + Copy + 'a,
) -> Each<'a, O> {
    Each(Box::new(move || Box::new(from.iter().map(make))))
}

impl<T: Serialize> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl<T: JsonSchema> JsonSchema for Each<'_, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Vec::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<T>::json_schema(generator)
    }
}
