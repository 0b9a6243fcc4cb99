//! What only the compiler can judge, as it knows what is behind the names of types.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::expand::block_cfgs;
use crate::message::sendable;
use crate::method::Method;
use crate::model::Service;
use crate::types::without_self;

/// Refuses a state that is not `Send + Sync`, in our words and before the compiler does.
pub(crate) fn state_check(service: &Service) -> TokenStream {
    let (ty, cfgs) = (service.ty(), block_cfgs(service));
    quote_spanned! {ty.span()=>
        #(#cfgs)*
        const _: ::callbox::__private::StateOf<#ty> = ::callbox::__private::StateOf::CHECKED;
    }
}

/// Refuses, at the return type, a `Result` under another name, and there and at parameters an
/// `Option` of an `Option`.
pub(crate) fn type_checks(service: &Service, method: &Method) -> TokenStream {
    let cfgs = &method.cfgs;
    let written = method.output.ok();
    let ok = without_self(written.to_token_stream(), service.ty());
    let plain = quote_spanned! {written.span()=>
        ::core::assert!(
            !::callbox::__private::Probe::<#ok>::IS_RESULT,
            "this is a `Result` under another name, or within another: write `Result<T, E>`, so that callers get \
             either the value or the error"
        );
    };
    let params = sendable(method).map(|(_, param)| param).filter(|param| !param.is_option_of_an_option());
    let one_null = [written].into_iter().chain(params.map(|param| &param.ty)).map(|written| {
        let ty = without_self(written.to_token_stream(), service.ty());
        quote_spanned! {written.span()=>
            ::core::assert!(
                !::callbox::__private::Probe::<#ty>::HAS_TWO_NULLS,
                "JSON has one null, so `Some` of nothing would arrive as `None`; a parameter that is to tell null from \
                 what is left out is written as `Option<Option<T>>` itself"
            );
        }
    });
    quote! {
        #(#cfgs)*
        const _: () = {
            use ::callbox::__private::{HasOneNull as _, NotAResult as _};
            #plain
            #(#one_null)*
        };
    }
}
