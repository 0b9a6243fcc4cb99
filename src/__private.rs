//! Items that the code of the macros uses. Not part of the interface: they change without notice.

use std::future::Future;
use std::marker::PhantomData;

pub use actix;
pub use callbox_client as client;
use callbox_client::{Message, Reply};
use futures::future::LocalBoxFuture;

use crate::service::{FromCall, MethodOptions, State};

/// The check that `T` can be the state of a service: `StateCheck<T>` only compiles if it can.
#[derive(Debug)]
pub struct StateCheck<T: State>(PhantomData<T>);

impl<T: State> StateCheck<T> {
    /// A value, so that a constant can have this type.
    pub const PASSED: Self = Self(PhantomData);
}

/// Adds an injected parameter to the options of a method, if it is [`FromCall`]. If it is not, the
/// compiler reports that where the method is called, and not here as well.
#[derive(Debug)]
pub struct InjectProbe<T>(PhantomData<T>);

impl<T: FromCall> InjectProbe<T> {
    /// Adds the parameter.
    pub fn add(options: MethodOptions) -> MethodOptions {
        options.injects::<T>()
    }
}

/// The fallback of [`InjectProbe`] for other types.
pub trait InjectFallback {
    /// Adds nothing.
    fn add(options: MethodOptions) -> MethodOptions {
        options
    }
}

impl<T> InjectFallback for InjectProbe<T> {}

/// Boxes the future of an async method.
pub fn boxed_reply<'a, M: Message>(future: impl Future<Output = Reply<M>> + 'a) -> LocalBoxFuture<'a, Reply<M>> {
    Box::pin(future)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::time::Instant;

    use crate::service::{CallerPlace, CancelFlag, OwnTrace};
    use crate::{CallContext, Caller, FromCall, Handler, Handles, InternalError, Message, Reply, RpcError, service};

    struct Tenant(String);

    impl FromCall for Tenant {
        fn from_call(call: &CallContext) -> Result<Self, RpcError> {
            call.caller()
                .name()
                .map(|name| Self(name.to_owned()))
                .ok_or_else(|| RpcError::new(401, "The caller has no tenant"))
        }
    }

    #[derive(Default)]
    struct Ledger {
        entries: Vec<(String, i64)>,
    }

    #[service]
    impl Ledger {
        #[public_method]
        fn enter(&mut self, tenant: &Tenant, amount: i64) -> Result<usize, InternalError> {
            if amount == 0 {
                return Err(InternalError::new("nothing to enter"));
            }
            self.entries.push((tenant.0.clone(), amount));
            Ok(self.entries.len())
        }

        #[public_method]
        fn method_called(&self, call: &CallContext, state: u8, message: u8) -> String {
            format!("{}({state}, {message})", call.method())
        }

        #[public_method]
        async fn sum(&self, caller: &Caller, of: &Tenant) -> i64 {
            assert_eq!(caller.name(), Some(of.0.as_str()));
            std::future::ready(()).await;
            self.entries.iter().filter(|(name, _)| *name == of.0).map(|(_, amount)| amount).sum()
        }

        #[public_method]
        async fn clear(&mut self, #[param(default = Self::ALL)] keep: usize) -> Result<(), RpcError> {
            std::future::ready(()).await;
            self.entries.truncate(keep);
            if keep == 13 { Err(RpcError::new(13, "Unlucky")) } else { Ok(()) }
        }

        #[public_method(compute)]
        fn add(a: i64, b: i64) -> i64 {
            a + b
        }

        const ALL: usize = 0;
    }

    fn call_by(caller: Caller) -> CallContext {
        let arrived = Instant::now();
        let deadline = arrived + Duration::from_secs(1);
        let request = OnceLock::new();
        CallContext {
            method: "ledger.it",
            caller,
            arrived,
            deadline,
            notification: false,
            chain: None,
            request,
            number: None,
            services: None,
            progress: None,
            cancelled: CancelFlag::default(),
            place: CallerPlace::default(),
            trace: OwnTrace::default(),
        }
    }

    fn run<M: Message>(ledger: &mut Ledger, message: M, caller: Caller) -> Reply<M>
    where
        Ledger: Handles<M>,
    {
        let call = call_by(caller);
        match <Ledger as Handles<M>>::HANDLER {
            Handler::Read(method) => method(ledger, message, &call),
            Handler::Write(method) => method(ledger, message, &call),
            Handler::ReadAsync(method) => method(ledger, message, &call).now_or_never().unwrap(),
            Handler::WriteAsync(method) => method(ledger, message, &call).now_or_never().unwrap(),
            Handler::Compute(method) => method(message, &call),
        }
    }

    #[test]
    fn handlers_pass_the_state_the_parameters_and_the_injected_parameters() {
        let (mut ledger, anna) = (Ledger::default(), || Caller::named("anna"));
        assert_eq!(run(&mut ledger, Ledger_Enter { amount: 5 }, anna()), Ok(1));
        assert_eq!(run(&mut ledger, Ledger_Enter { amount: 6 }, Caller::named("bert")), Ok(2));
        assert_eq!(run(&mut ledger, Ledger_Enter { amount: -2 }, anna()), Ok(3));
        assert_eq!(run(&mut ledger, Ledger_Sum {}, anna()), Ok(3));
        assert_eq!(run(&mut ledger, Ledger_Add { a: 40, b: 2 }, Caller::anonymous()), Ok(42));
        let called = Ledger_MethodCalled { state: 1, message: 2 };
        assert_eq!(run(&mut ledger, called, Caller::anonymous()), Ok("ledger.it(1, 2)".to_owned()));
        assert_eq!(run(&mut ledger, serde_json::from_str::<Ledger_Clear>("{}").unwrap(), anna()), Ok(()));
        assert_eq!(ledger.entries, []);
    }

    #[test]
    fn errors_of_methods_and_of_injected_parameters_become_the_reply() {
        let mut ledger = Ledger::default();
        let rejected = run(&mut ledger, Ledger_Enter { amount: 5 }, Caller::anonymous()).unwrap_err();
        assert_eq!((rejected.code(), ledger.entries.len()), (401, 0), "the method does not run");
        let rejected = run(&mut ledger, Ledger_Sum {}, Caller::anonymous()).unwrap_err();
        assert_eq!(rejected.code(), 401);
        assert_eq!(run(&mut ledger, Ledger_Clear { keep: 13 }, Caller::anonymous()).unwrap_err().code(), 13);
        let internal = run(&mut ledger, Ledger_Enter { amount: 0 }, Caller::named("anna")).unwrap_err();
        assert_eq!(internal.message(), "Internal error");
    }
}
