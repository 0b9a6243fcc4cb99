//! Definitions that refer to nothing but themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{Body, Definition, Type};

/// Replaces aliases that are nothing but themselves: no language has such a type.
pub(super) fn forbid_endless_aliases(definitions: &mut [Definition]) {
    let direct: BTreeMap<String, BTreeSet<String>> = definitions
        .iter()
        .filter_map(|definition| match &definition.body {
            Body::Alias(ty) => {
                Some((definition.name.clone(), ty.named_directly().into_iter().map(str::to_owned).collect()))
            }
            Body::Object(_) => None,
        })
        .collect();
    for definition in definitions {
        let (mut open, mut seen) = (vec![definition.name.clone()], BTreeSet::new());
        while let Some(name) = open.pop() {
            for next in direct.get(&name).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        if seen.contains(&definition.name) {
            definition.docs.facts.push("Of any type here: the schema refers to itself only.".to_owned());
            definition.body = Body::Alias(Type::Any);
        }
    }
}
