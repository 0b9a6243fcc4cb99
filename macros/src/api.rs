//! `#[api]`: a trait whose methods are the API of a service in another crate.
//!
//! The trait is read as the block of a type that does not exist, named after it: `Catalog` for
//! `CatalogApi`. So its messages and its client are those of a service with these methods.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{ImplItem, ImplItemFn, ItemImpl, ItemTrait, TraitItem, TraitItemFn};

use crate::attr::{MethodAttr, ServiceAttr};
use crate::client;
use crate::conditional::Conditional;
use crate::errors::Errors;
use crate::expand::{message_impl_of, some_text};
use crate::message::{Purpose, defaults, literal, message, schema};
use crate::method::Method;
use crate::model::{Role, RoleAttr, Service, take_role_attrs};
use crate::{asserts, check, param_rules};

const MARK: &str = "mark the method `#[public_method]` or `#[private_api_method]`";

/// Expands `#[api]`.
pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let attr = ServiceAttr::parse_api(args, &mut errors);
    let item: ItemTrait = match syn::parse2(item.clone()) {
        Ok(item) => item,
        Err(_) => {
            errors.at(item, "`#[api]` needs a trait: the methods that callers of a service know");
            return quote!(#errors #item);
        }
    };
    check_trait(&item, &mut errors);
    let service = parse(attr, &item, &mut errors);
    check::api(&service, &mut errors);
    let marker = marker(&item);
    if !errors.is_empty() {
        return quote!(#errors #marker);
    }
    let items = items(&service, &item.ident);
    quote!(#marker #items)
}

fn check_trait(item: &ItemTrait, errors: &mut Errors) {
    if !item.generics.params.is_empty() || item.generics.where_clause.is_some() {
        errors.at(&item.generics, "an API is not generic, because callers send fixed types");
    }
    if !item.supertraits.is_empty() {
        errors.at(&item.supertraits, "an API has no supertraits: it says what callers send, and not what a service is");
    }
    for part in &item.items {
        match part {
            TraitItem::Fn(function) => check_function(function, errors),
            other => errors.at(other, "an API has methods and nothing else"),
        }
    }
}

fn check_function(function: &TraitItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    if let Some(body) = &function.default {
        errors.at(body, "the service has the code of the method: end it with `;`");
    }
    if let Some(token) = &sig.asyncness {
        errors.at(token, "whether the method is async is the choice of the service: remove `async`");
    }
}

/// Reads the trait as the block of a service.
fn parse(attr: ServiceAttr, item: &ItemTrait, errors: &mut Errors) -> Service {
    let name = base_name(&item.ident);
    let mut block: ItemImpl = syn::parse_quote!(impl #name {});
    block.attrs.clone_from(&item.attrs);
    let mut methods = Vec::new();
    for part in &item.items {
        let TraitItem::Fn(function) = part else { continue };
        let mut attrs = function.attrs.clone();
        let roles = take_role_attrs(&mut attrs, errors);
        if roles.is_empty() {
            errors.at(&function.sig.ident, MARK);
        }
        for RoleAttr { name, role, attr, condition } in &roles {
            let Role::Method { private } = *role else {
                errors.at(attr, format!("`#[{name}]` is for the block of a service: {MARK}"));
                continue;
            };
            let attr = MethodAttr::parse_api(attr, name, private, errors);
            let sig = &function.sig;
            let mut function: ImplItemFn = syn::parse_quote!(#sig {});
            function.attrs.clone_from(&attrs);
            function.vis = item.vis.clone();
            methods.push(Method::parse(private, attr, condition, &block.self_ty, &mut function, errors));
            block.items.push(ImplItem::Fn(function));
        }
    }
    Service { is_api: true, methods, ..Service::parse(attr, block, errors) }
}

/// `Catalog` for `CatalogApi`.
pub(crate) fn base_name(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    match name.strip_suffix("Api").filter(|base| !base.is_empty()) {
        Some(base) => Ident::new(base, ident.span()),
        None => ident.clone(),
    }
}

/// Returns the trait as a marker, which services implement.
fn marker(item: &ItemTrait) -> TokenStream {
    let ItemTrait { attrs, vis, ident, .. } = item;
    quote!(#(#attrs)* #vis trait #ident {})
}

fn items(service: &Service, name: &Ident) -> TokenStream {
    let methods = service.methods.iter().map(|method| {
        let schema = if service.attr.no_schemas { TokenStream::new() } else { schema(service, method) };
        let items = [
            message(service, method, Purpose::Api),
            asserts::param_types(service, method),
            schema,
            defaults(service, method),
            param_rules::rules(service, method),
            message_impl_of(service, method),
            api_method(service, method),
        ];
        quote!(#(#items)*)
    });
    let (client, api) = (client::client(service), api(service, name));
    quote!(#(#methods)* #client #api)
}

/// Returns the impl that describes the API as a whole.
fn api(service: &Service, name: &Ident) -> TokenStream {
    let (cfgs, client) = (crate::expand::block_cfgs(service), client::name(service));
    let doc = option(some_text(&service.doc()));
    let methods = service.methods.iter().map(|method| {
        let (cfgs, name) = (&method.cfgs, method.sig.ident.unraw().to_string());
        let missing =
            literal(&format!("the service does not handle `{name}`, which its API has: add it, marked `#[handles]`"));
        quote!(#(#cfgs)* (#name, #missing))
    });
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl ::callbox_client::__private::Api for dyn #name {
            type Client = #client;
            const DOC: ::core::option::Option<&'static str> = #doc;
            const METHODS: &'static [(&'static str, &'static str)] = &[#(#methods),*];
        }
    }
}

/// Returns the impl with what the service needs to know of a method besides its message.
fn api_method(service: &Service, method: &Method) -> TokenStream {
    let (cfgs, message) = (&method.cfgs, &method.message);
    let access = match (method.private, &method.attr.scope) {
        (false, _) => quote!(Public),
        (true, None) => quote!(Private),
        (true, Some(scope)) => quote!(Scope(#scope)),
    };
    let (doc, path) = (option(some_text(&method.doc())), option(client::function_path(service, method)));
    let deprecated = method.deprecated.iter().flat_map(Conditional::all).map(|attr| match attr.condition {
        None => quote!(true),
        Some(when) => quote!(::core::cfg!(#when)),
    });
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl ::callbox_client::__private::ApiMethod for #message {
            const ACCESS: ::callbox_client::__private::Access = ::callbox_client::__private::Access::#access;
            const DOC: ::core::option::Option<&'static str> = #doc;
            const DEPRECATED: bool = false #(|| #deprecated)*;
            const CLIENT: ::core::option::Option<&'static str> = #path;
        }
    }
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
