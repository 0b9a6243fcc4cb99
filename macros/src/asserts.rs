//! Checks that the macro leaves to the compiler, which knows the types behind their names.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
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

/// Returns the checks for types under another name: a result must not be a `Result`, and neither a
/// result nor a parameter an `Option` of an `Option`.
pub(crate) fn type_checks(service: &Service, method: &Method) -> TokenStream {
    let cfgs = &method.cfgs;
    let written = method.output.ok();
    let ok = without_self(written.to_token_stream(), service.ty());
    let plain = quote_spanned! {written.span()=>
        ::core::assert!(
            !::callbox_client::__private::TypeProbe::<#ok>::IS_RESULT,
            "this type is a `Result` under another name, or a `Result` within a `Result`: write `Result<T, E>`, so \
             that callers get either the value or the error"
        );
    };
    let params = sendable(method).map(|(_, param)| param).filter(|param| !param.is_option_of_an_option());
    let one_null = [written].into_iter().chain(params.map(|param| &param.ty)).map(|written| {
        let ty = without_self(written.to_token_stream(), service.ty());
        quote_spanned! {written.span()=>
            ::core::assert!(
                !::callbox_client::__private::TypeProbe::<#ty>::HAS_TWO_NULLS,
                "JSON has one null, so `Some(None)` or `Some(())` would arrive as `None`; a parameter that distinguishes \
                 null from a missing value is written as `Option<Option<T>>` itself"
            );
        }
    });
    quote! {
        #(#cfgs)*
        const _: () = {
            use ::callbox_client::__private::{IsResultFallback as _, TwoNullsFallback as _};
            #plain
            #(#one_null)*
        };
    }
}
