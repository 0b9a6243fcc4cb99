//! The host: the actix actor that runs the calls of one service.

pub(super) mod backoff;
pub(crate) mod factory;
pub(super) mod life_log;
pub(super) mod start_circle;
pub(crate) mod supervisor;
pub(super) mod tasks;
pub(super) mod thread;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context};

use crate::service::Service;
use crate::sync::Arc;

use super::core::Core;
use super::erased::Starters;
use super::schedule::scheduler::Scheduler;

/// The host of one service. It ends with its scheduler.
pub(super) struct Host {
    scheduler: Option<Scheduler>,
}

impl Host {
    fn new(scheduler: Scheduler) -> Self {
        Self { scheduler: Some(scheduler) }
    }
}

impl Actor for Host {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(scheduler) = self.scheduler.take() {
            ctx.spawn(actix::fut::wrap_future(scheduler.serve()).map(|(), _, ctx: &mut Context<Self>| ctx.stop()));
        }
    }
}

/// A service with the ways to start calls of its methods by their types.
pub(crate) struct HostedService<S: Service> {
    pub(crate) core: Arc<Core<S>>,
    pub(super) starters: Starters,
}

impl<S: Service> HostedService<S> {
    pub(crate) fn new(core: Arc<Core<S>>) -> Arc<Self> {
        Arc::new(Self { core, starters: Starters::of_service::<S>() })
    }
}
