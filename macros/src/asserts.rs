//! Checks that the macro leaves to the compiler, which knows the types behind their names.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::expand::block_cfgs;
use crate::message::sendable;
use crate::method::Method;
use crate::model::Service;
use crate::types::without_self;

/// Returns the check that the state is `Send + Sync + 'static`, with an error message of ours.
///
/// For a generic state the bound of `Service` itself makes this check.
pub(crate) fn state_check(service: &Service) -> TokenStream {
    if service.is_generic() {
        return TokenStream::new();
    }
    let (ty, cfgs) = (service.ty(), block_cfgs(service));
    quote_spanned! {ty.span()=>
        #(#cfgs)*
        const _: ::callbox::__private::StateCheck<#ty> = ::callbox::__private::StateCheck::PASSED;
    }
}

/// Returns the output of a message, whose type is checked where it is written. In documentation the
/// type is written as in the method.
pub(crate) fn output(service: &Service, method: &Method) -> TokenStream {
    let written = method.items.as_ref().map_or(method.output.ok(), |items| &items.item);
    let ty = without_self(written.to_token_stream(), service.ty());
    let described = (!service.attr.no_schemas).then(|| {
        quote_spanned!(written.span()=>
            ::core::assert!(::callbox_client::__private::JsonProbe::<#ty>::IS_DESCRIBED, #RESULT_NOT_DESCRIBED);
        )
    });
    let checks = quote_spanned! {written.span()=>
        ::core::assert!(!::callbox_client::__private::TypeProbe::<#ty>::IS_RESULT, #IS_RESULT);
        ::core::assert!(!::callbox_client::__private::TypeProbe::<#ty>::HAS_TWO_NULLS, #TWO_NULLS);
        ::core::assert!(::callbox_client::__private::JsonProbe::<#ty>::IS_WRITTEN, #RESULT_NOT_WRITTEN);
        #described
    };
    let checked = checked(&ty, &checks);
    let of = |ty: &TokenStream| match &method.items {
        Some(_) => quote!(::callbox_client::Subscription<#ty>),
        None => ty.clone(),
    };
    let (checked, ty) = (of(&checked), of(&ty));
    quote! {
        #[cfg(not(doc))]
        type Output = #checked;
        #[cfg(doc)]
        type Output = #ty;
    }
}

/// Returns the types of the parameters under names of their own, checked where they are written.
pub(crate) fn param_types(service: &Service, method: &Method) -> TokenStream {
    let (cfgs, allowed) = (&method.cfgs, service.allowed(method));
    let types = sendable(method).map(|(name, param)| {
        let (alias, ty) = (param_type(method, name), without_self(param.ty.to_token_stream(), service.ty()));
        let one_null = (!param.is_option_of_an_option()).then(|| {
            quote_spanned!(param.ty.span()=>
                ::core::assert!(!::callbox_client::__private::TypeProbe::<#ty>::HAS_TWO_NULLS, #TWO_NULLS);
            )
        });
        let has_schema = param.attr.as_ref().is_some_and(|attr| attr.schema_with.is_some());
        let described = (!has_schema && !service.attr.no_schemas).then(|| {
            quote_spanned!(param.ty.span()=>
                ::core::assert!(::callbox_client::__private::JsonProbe::<#ty>::IS_DESCRIBED, #PARAM_NOT_DESCRIBED);
            )
        });
        let checks = quote_spanned! {param.ty.span()=>
            #one_null
            ::core::assert!(::callbox_client::__private::JsonProbe::<#ty>::IS_READ, #PARAM_NOT_READ);
            ::core::assert!(::callbox_client::__private::JsonProbe::<#ty>::IS_WRITTEN, #PARAM_NOT_WRITTEN);
            #described
        };
        let checked = checked(&ty, &checks);
        quote! {
            #(#cfgs)*
            #(#allowed)*
            #[cfg(not(doc))]
            #[doc(hidden)]
            type #alias = #checked;
            #(#cfgs)*
            #(#allowed)*
            #[cfg(doc)]
            #[doc(hidden)]
            type #alias = #ty;
        }
    });
    quote!(#(#types)*)
}

/// Returns the name of the checked type of a parameter.
pub(crate) fn param_type(method: &Method, param: &Ident) -> Ident {
    format_ident!("__{}_{}", method.message, param.unraw(), span = Span::call_site())
}

/// Returns a type that has passed its checks.
///
/// An assertion beside the type would be one error of several: where the type is used, the compiler
/// would report each missing trait again. With the failed check in the type itself, the compiler
/// knows the type as wrong and reports nothing else about it.
fn checked(ty: &TokenStream, checks: &TokenStream) -> TokenStream {
    quote! {
        <::callbox_client::__private::Checked<{
            use ::callbox_client::__private::{IsResultFallback as _, JsonFallback as _, TwoNullsFallback as _};
            #checks
            true
        }> as ::callbox_client::__private::CheckedType<#ty>>::Type
    }
}

const IS_RESULT: &str = "this type is a `Result` under another name, or a `Result` within a `Result`: write `Result<T, \
                         E>`, so that callers get either the value or the error";

const TWO_NULLS: &str = "JSON has one null, so `Some(None)` or `Some(())` would arrive as `None`; a parameter that \
                         distinguishes null from a missing value is written as `Option<Option<T>>` itself";

// Each is a format string, so braces stand twice.

const RESULT_NOT_WRITTEN: &str = "this type cannot be the result of a method, because it has no `Serialize`: derive \
                                  `serde::Serialize`, or switch on the feature `serde` of its crate";

const RESULT_NOT_DESCRIBED: &str = "this type cannot be the result of a method, because it has no JSON schema: derive \
                                    `schemars::JsonSchema`; for a type of another crate switch on the feature of \
                                    schemars for that crate in your Cargo.toml, such as `schemars = {{ version = \
                                    \"1\", features = [\"uuid1\"] }}`, or return a struct of your own that has it in a \
                                    field with `#[schemars(with = \"…\")]`";

const PARAM_NOT_READ: &str = "this type cannot be a parameter, because it has no `Deserialize` that takes owned values: \
                              derive `serde::Deserialize`, or switch on the feature `serde` of its crate";

const PARAM_NOT_WRITTEN: &str = "this type cannot be a parameter, because it has no `Serialize`, which the client \
                                 needs: derive `serde::Serialize`, or switch on the feature `serde` of its crate";

const PARAM_NOT_DESCRIBED: &str = "this type cannot be a parameter, because it has no JSON schema: derive \
                                   `schemars::JsonSchema`; for a type of another crate switch on the feature of \
                                   schemars for that crate in your Cargo.toml, such as `schemars = {{ version = \"1\", \
                                   features = [\"uuid1\"] }}`, or name a function that makes the schema: \
                                   `#[param(schema_with = …)]`";
