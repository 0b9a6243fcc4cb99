//! Functions about types as they are written, without knowing their definitions.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{GenericArgument, Generics, PathArguments, PathSegment, Type};

/// Returns the type without parentheses and without the invisible groups that `macro_rules!` puts
/// around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        ty => ty,
    }
}

pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// Returns the `T` of an `Option<T>`.
pub(crate) fn option_of(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

/// Returns the first `Option<Option<T>>` within a type, if there is one.
pub(crate) fn option_of_an_option(ty: &Type) -> Option<&Type> {
    struct Search<'ast>(Option<&'ast Type>);

    impl<'ast> Visit<'ast> for Search<'ast> {
        fn visit_type(&mut self, ty: &'ast Type) {
            if option_of(ty).and_then(option_of).is_some() {
                self.0.get_or_insert(ty);
            }
            visit::visit_type(self, ty);
        }
    }

    let mut search = Search(None);
    search.visit_type(ty);
    search.0
}

/// Returns the same type with the service in place of `Self`, which would be the message there.
pub(crate) fn without_self(ty: TokenStream, service: &Type) -> TokenStream {
    ty.into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => service.to_token_stream(),
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_self(group.stream(), service));
                inner.set_span(group.span());
                TokenTree::Group(inner).into()
            }
            token => token.into(),
        })
        .collect()
}

/// Returns the same type with `'_` in place of the method's own lifetime parameters, which do not
/// exist outside the method.
pub(crate) fn without_lifetimes(ty: TokenStream, generics: &Generics) -> TokenStream {
    let mut tick = false;
    let tokens = ty.into_iter().map(|token| match token {
        TokenTree::Ident(name) if tick && generics.lifetimes().any(|param| param.lifetime.ident == name) => {
            tick = false;
            TokenTree::Ident(Ident::new("_", name.span()))
        }
        TokenTree::Group(group) => {
            tick = false;
            let mut inner = Group::new(group.delimiter(), without_lifetimes(group.stream(), generics));
            inner.set_span(group.span());
            inner.into()
        }
        token => {
            tick = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
            token
        }
    });
    tokens.collect()
}

/// Which lifetimes a type may contain.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lifetimes {
    None,
    Static,
}

/// Why a type cannot be part of a message, or a result.
pub(crate) enum Unsupported {
    ImplTrait,
    Borrowed,
}

/// Returns why a type cannot be part of a message, or a result; nothing if it can.
pub(crate) fn unsupported(ty: &Type, allowed: Lifetimes) -> Option<Unsupported> {
    struct Search {
        allowed: Lifetimes,
        found: Option<Unsupported>,
    }

    impl<'ast> Visit<'ast> for Search {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.found = Some(Unsupported::ImplTrait);
        }

        fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
            if reference.lifetime.is_none() || self.allowed == Lifetimes::None {
                self.found = Some(Unsupported::Borrowed);
            }
            visit::visit_type_reference(self, reference);
        }

        fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
            if lifetime.ident != "static" {
                self.found = Some(Unsupported::Borrowed);
            }
        }
    }

    let mut search = Search { allowed, found: None };
    search.visit_type(ty);
    search.found
}
