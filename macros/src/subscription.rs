//! Results that are streams of items: how a method writes its type, and the code for it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{AssocType, GenericArgument, LitStr, PathArguments, PathSegment, Type, TypeParamBound};

use crate::method::Method;
use crate::types::{bare, last_segment};

/// The items of a method's result.
pub(crate) struct Items {
    /// The type of one item.
    pub(crate) item: Type,
    /// Whether the method returns an `impl Stream`, of which a `Subscription` is made.
    pub(crate) is_stream: bool,
}

impl Items {
    /// Returns the items of a type that is written as `Subscription<T>` or `impl Stream<Item = T>`.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        if let Type::ImplTrait(ty) = bare(ty) {
            let item = ty.bounds.iter().find_map(|bound| match bound {
                TypeParamBound::Trait(bound) => item_of_stream(bound.path.segments.last()?),
                _ => None,
            });
            return item.map(|item| Self { item, is_stream: true });
        }
        let segment = last_segment(ty).filter(|segment| segment.ident == "Subscription")?;
        let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
        match arguments.args.first()? {
            GenericArgument::Type(item) => Some(Self { item: item.clone(), is_stream: false }),
            _ => None,
        }
    }

    /// Returns the type of the result, with the span of the written one.
    pub(crate) fn subscription(&self, written: &Type) -> Type {
        let item = &self.item;
        if self.is_stream {
            syn::parse_quote_spanned!(written.span()=> ::callbox_client::Subscription<#item>)
        } else {
            written.clone()
        }
    }
}

/// Returns the `T` of `Stream<Item = T>`.
fn item_of_stream(segment: &PathSegment) -> Option<Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    if segment.ident != "Stream" {
        return None;
    }
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Item" => Some(ty.clone()),
        _ => None,
    })
}

/// Returns the part of `Message` that makes the method a subscription.
pub(crate) fn message_items(method: &Method) -> Option<TokenStream> {
    method.items.as_ref()?;
    let name = |name: &Option<LitStr>| match name {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    };
    let event = name(&method.attr.event.as_ref().map(|set| set.value.clone()));
    let unsubscribe = name(&method.attr.unsubscribe.as_ref().map(|set| set.value.clone()));
    Some(quote! {
        const SUBSCRIPTION: ::core::option::Option<::callbox_client::SubscriptionNames> =
            ::core::option::Option::Some(::callbox_client::SubscriptionNames {
                event: #event,
                unsubscribe: #unsubscribe,
            });
        fn into_items(output: Self::Output) -> ::core::option::Option<::callbox_client::JsonItems> {
            ::core::option::Option::Some(::core::convert::From::from(output))
        }
    })
}
