//! The code that the macro writes, one function per item. The example of `callbox::Message` writes
//! the same by hand.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Ident, LitStr};

use crate::asserts::{self, param_types, state_check};
use crate::attr::{ClientName, OnPanic};
use crate::client;
use crate::conditional::{Conditional, cfgs};
use crate::deprecated;
use crate::handler::{handler, handles_impl, injected_type};
use crate::message::{Purpose, defaults, literal, message};
use crate::method::{Method, Output, Param};
use crate::model::{Hook, HookKind, Service};
use crate::param_rules;
use crate::paths;
use crate::spans::at;
use crate::subscription::message_items;
use crate::types::{Lifetimes, unsupported, without_self};

/// Returns everything that the macro writes for a block without errors.
pub(crate) fn service(service: &Service) -> TokenStream {
    let state = state_check(service);
    let methods = service.methods.iter().filter_map(|method| {
        let handler = handler(service, method, method.kind()?);
        let (mut message, implemented) = (message(service, method, Purpose::Full), message_impl_of(service, method));
        let handles = handles_impl(service, method, &handler);
        let mut implemented = quote!(#implemented #handles);
        if !method.deprecated.is_empty() {
            let emit = deprecated::emit_items(&std::mem::take(&mut implemented));
            message = quote!(#emit #message);
        }
        let rules = param_rules::rules(service, method);
        let items = [message, param_types(service, method), defaults(service, method), rules, implemented];
        Some(quote!(#(#items)*))
    });
    let (client, serves) = (client::client(service), client::serves(service));
    let table = Ident::new("table", Span::mixed_site());
    let listed = client::name(service).map(|name| quote!(#table.client::<#name>();));
    let entries = listed.into_iter().chain(service.methods.iter().map(|method| entry(service, method))).collect();
    let hooks = service.hooks.iter().map(|hook| self::hook(service, hook)).collect();
    let one_block = one_block(service);
    let service = service_impl(service, &entries, &hooks);
    quote!(#state #one_block #(#methods)* #client #serves #service)
}

/// Returns a constant that collides with itself when a type has two `#[service]` blocks, of which a
/// macro sees only one. Its name tells the user what to do.
pub(crate) fn one_block(service: &Service) -> TokenStream {
    let (ty, cfgs) = (service.ty(), block_cfgs(service));
    let name = Ident::new("__WRITE_ALL_EXPOSED_METHODS_OF_A_TYPE_INTO_ONE_SERVICE_BLOCK", at(ty));
    let generics = service.generics();
    let (generics, _, bounds) = generics.split_for_impl();
    quote!(#(#cfgs)* #[automatically_derived] impl #generics #ty #bounds { #[doc(hidden)] const #name: () = (); })
}

/// Returns types and impls for a block with errors. They let the rest of the user's code compile,
/// so that the user sees these errors and none that follow from them.
pub(crate) fn stubs(service: &Service) -> TokenStream {
    let unit = syn::parse_quote!(());
    let distinct = service.methods.iter().enumerate().filter(|(at, method)| {
        let message = &method.message;
        service.ident() != Some(message) && service.methods[..*at].iter().all(|before| before.message != *message)
    });
    let methods = distinct.map(|(_, method)| {
        let output = method.output.ok();
        let supported = unsupported(output, Lifetimes::Static).is_none();
        let output = without_self((if supported { output } else { &unit }).to_token_stream(), service.ty());
        let output = quote!(type Output = #output;);
        let handler = quote!(::callbox::Handler::Compute(|_, _| ::core::unreachable!()));
        let (message, error) = (message(service, method, Purpose::Stub), plain_error());
        let items =
            [message, message_impl(service, method, &output, &error, None), handles_impl(service, method, &handler)];
        quote!(#(#items)*)
    });
    let service = service_impl(service, &TokenStream::new(), &TokenStream::new());
    quote!(#(#methods)* #service)
}

/// Returns the impl of `Message` for a method, with its own output and error.
pub(crate) fn message_impl_of(service: &Service, method: &Method) -> TokenStream {
    let validate = param_rules::validate(method);
    let output = asserts::output(service, method);
    message_impl(service, method, &output, &message_error(service, method), validate.as_ref())
}

/// Returns the impl of `Message` for a method.
fn message_impl(
    service: &Service,
    method: &Method,
    output: &TokenStream,
    error: &TokenStream,
    validate: Option<&TokenStream>,
) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let name = method.wire_name();
    let params = method.sent().filter(|param| !param.is_rest()).filter_map(Param::wire_name);
    let errors = errors(service, method);
    let items = message_items(method);
    let allowed = service.allowed(method);
    let deadline = method
        .attr
        .deadline
        .map(|nanos| quote!(const DEADLINE: ::core::time::Duration = ::core::time::Duration::from_nanos(#nanos);));
    let idempotent = method.attr.idempotent.then(|| {
        quote!(
            const IDEMPOTENT: bool = true;
        )
    });
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl ::callbox_client::Message for #message {
            #output
            #error
            const NAME: &'static str = #name;
            const PARAMS: &'static [&'static str] = &[#(#params),*];
            #deadline
            #idempotent
            #items
            #validate
            #errors
        }
    }
}

/// Returns the error type of the method itself.
pub(crate) fn error(service: &Service, method: &Method) -> TokenStream {
    match &method.output {
        Output::Result { error, .. } => without_self(error.to_token_stream(), service.ty()),
        _ => quote!(::callbox_client::RpcError),
    }
}

/// Returns the error type of the message. A typed client must be able to return it; if it cannot,
/// the compiler reports that at the error type in the method.
fn message_error(service: &Service, method: &Method) -> TokenStream {
    match &method.output {
        Output::Result { error: written, .. } if !matches!(service.attr.client, ClientName::None) => {
            let error = error(service, method);
            quote_spanned!(written.span()=> type Error = #error;)
        }
        _ => plain_error(),
    }
}

/// Returns the error type of a message whose method has none of its own.
fn plain_error() -> TokenStream {
    quote!(
        type Error = ::callbox_client::RpcError;
    )
}

/// Returns the list of the method's errors, as far as their type implements `DescribeErrors`.
fn errors(service: &Service, method: &Method) -> Option<TokenStream> {
    let Output::Result { error, .. } = &method.output else { return None };
    let error = without_self(error.to_token_stream(), service.ty());
    let list = Ident::new("list", Span::mixed_site());
    let errors = quote! {
        fn errors(#list: &mut ::callbox_client::ErrorList<'_>) {
            use ::callbox_client::__private::ErrorsFallback as _;
            ::callbox_client::__private::ErrorsProbe::<#error>::describe(#list);
        }
    };
    Some(if service.is_api { paths::with_schemas(&errors) } else { errors })
}

/// Returns the impl of `Service`.
pub(crate) fn service_impl(service: &Service, entries: &TokenStream, hooks: &TokenStream) -> TokenStream {
    let (ty, cfgs) = (service.ty(), block_cfgs(service));
    let client =
        service.attr.api.as_ref().map(
            |api| quote!(<<dyn #api as ::callbox_client::__private::Api>::Client as ::callbox_client::ServiceClient>),
        );
    let name = match &client {
        Some(client) => quote!(#client::NAME),
        None => service.name().to_token_stream(),
    };
    let namespace = match (&client, &service.attr.namespace) {
        (Some(client), _) => Some(quote!(#client::NAMESPACE)),
        (None, namespace) => namespace.as_ref().map(|namespace| quote!(::core::option::Option::Some(#namespace))),
    };
    let namespace =
        namespace.map(|namespace| quote!(const NAMESPACE: ::core::option::Option<&'static str> = #namespace;));
    let version = match &service.attr.version {
        Some(version) => version.to_token_stream(),
        // Read in the user's crate. Build tools other than cargo may not set it.
        None => quote!(match ::core::option_env!("CARGO_PKG_VERSION") {
            ::core::option::Option::Some(version) => version,
            ::core::option::Option::None => "0.0.0",
        }),
    };
    let allowed = &service.allowed;
    let generics = service.generics();
    let (generics, _, bounds) = generics.split_for_impl();
    let doc = match (&service.attr.api, some_text(&service.doc())) {
        (Some(api), None) => Some(quote!(<dyn #api as ::callbox_client::__private::Api>::DOC)),
        (_, doc) => doc.map(|doc| quote!(::core::option::Option::Some(#doc))),
    };
    let doc = doc.map(|doc| quote!(const DOC: ::core::option::Option<&'static str> = #doc;));
    let table = if entries.is_empty() { quote!(_) } else { Ident::new("table", Span::mixed_site()).to_token_stream() };
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl #generics ::callbox::Service for #ty #bounds {
            const NAME: &'static str = #name;
            const VERSION: &'static str = #version;
            #doc
            #namespace
            fn methods(#table: &mut impl ::callbox::MethodTable<Self>) { #entries }
            #hooks
        }
    }
}

/// Returns a text as a literal, if there is any.
pub(crate) fn some_text(text: &str) -> Option<LitStr> {
    if text.is_empty() { None } else { Some(literal(text)) }
}

pub(crate) fn block_cfgs(service: &Service) -> Vec<Attribute> {
    cfgs(&service.block.attrs)
}

fn entry(service: &Service, method: &Method) -> TokenStream {
    add_method(service, method, options(service, method))
}

/// Returns the statement that adds a method with these options to the table.
pub(crate) fn add_method(service: &Service, method: &Method, options: TokenStream) -> TokenStream {
    let (cfgs, message) = (&method.cfgs, &method.message);
    let table = Ident::new("table", Span::mixed_site());
    let injected: Vec<_> = method.params.iter().filter_map(Param::injected).collect();
    if injected.is_empty() {
        return quote!(#(#cfgs)* #table.add::<#message>(#options););
    }
    let options = injected.into_iter().fold(options, |options, injected| {
        let of = injected_type(service, method, injected);
        quote!(::callbox::__private::InjectProbe::<#of>::add(#options))
    });
    quote!(#(#cfgs)* { use ::callbox::__private::InjectFallback as _; #table.add::<#message>(#options); })
}

/// Returns the `MethodOptions` of a method.
fn options(service: &Service, method: &Method) -> TokenStream {
    let attr = &method.attr;
    let mut options = match (method.private, &attr.scope) {
        (false, _) => quote!(::callbox::MethodOptions::public()),
        (true, None) => quote!(::callbox::MethodOptions::private()),
        (true, Some(scope)) => quote!(::callbox::MethodOptions::scoped(#scope)),
    };
    options.extend(some_text(&method.doc()).map(|doc| quote!(.doc(#doc))));
    options.extend(method.deprecated.iter().flat_map(Conditional::all).map(|deprecated| match deprecated.condition {
        None => quote!(.deprecated(true)),
        Some(when) => quote!(.deprecated(::core::cfg!(#when))),
    }));
    options.extend(client::function_path(service, method).map(|path| quote!(.client(#path))));
    options.extend(engine_options(service, method));
    options
}

/// Returns the options of a method that concern how its calls run.
pub(crate) fn engine_options(service: &Service, method: &Method) -> TokenStream {
    let (attr, mut options) = (&method.attr, TokenStream::new());
    options.extend(attr.mailbox.map(|capacity| quote!(.mailbox(#capacity))));
    options.extend(attr.mailbox_group.as_ref().map(|name| quote!(.group(#name))));
    options.extend(attr.max_wait.map(|nanos| quote!(.max_wait(::core::time::Duration::from_nanos(#nanos)))));
    options.extend(attr.inline.map(|inline| quote!(.inline(#inline))));
    options.extend(attr.weight.map(|weight| quote!(.weight(#weight))));
    options.extend(attr.per_caller.map(|limit| quote!(.per_caller(#limit))));
    options.extend(attr.in_flight.as_ref().map(|set| set.value).map(|limit| quote!(.in_flight(#limit))));
    options.extend(service.on_panic(method).map(|on_panic| match on_panic {
        OnPanic::Keep => quote!(.on_panic(::callbox::OnPanic::Keep)),
        OnPanic::Restart => quote!(.on_panic(::callbox::OnPanic::Restart)),
    }));
    options
}

/// Returns the function of `Service` that calls a hook.
pub(crate) fn hook(service: &Service, hook: &Hook) -> TokenStream {
    let (ty, cfgs, ident) = (service.ty(), &hook.cfgs, &hook.sig.ident);
    let dot_await = hook.sig.asyncness.map(|_| quote!(.await));
    let context = Ident::new("context", Span::mixed_site());
    let argument = (hook.sig.inputs.len() > 1).then(|| quote!(, #context));
    let run = quote!(<#ty>::#ident(self #argument) #dot_await);
    match hook.kind {
        HookKind::Start => {
            let context = if argument.is_some() { quote!(#context) } else { quote!(_) };
            let run = if hook.may_fail() {
                quote!(#run.map_err(::core::convert::Into::into))
            } else {
                quote!(#run; ::core::result::Result::Ok(()))
            };
            quote! {
                #(#cfgs)*
                async fn on_start(&mut self, #context: &::callbox::ServiceContext) -> ::core::result::Result<(), ::callbox::BoxError> { #run }
            }
        }
        HookKind::Ready => quote! {
            #(#cfgs)*
            const CHECKS_READY: bool = true;
            #(#cfgs)*
            async fn ready(&self) -> ::core::result::Result<(), ::callbox::BoxError> {
                #run.map_err(::core::convert::Into::into)
            }
        },
        HookKind::Stop => quote!(#(#cfgs)* async fn on_stop(&mut self) { #run; }),
    }
}
