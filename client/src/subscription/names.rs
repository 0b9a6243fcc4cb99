//! The names of a subscription on the wire.

/// The names on the wire that belong to a subscription, besides that of its method.
///
/// The keys `event` and `unsubscribe` of a method set them. A message by hand has them in
/// [`Message::SUBSCRIPTION`](crate::Message::SUBSCRIPTION):
///
/// ```
/// use callbox::SubscriptionNames;
///
/// const ETHEREUM: SubscriptionNames =
///     SubscriptionNames { event: Some("eth_subscription"), unsubscribe: Some("eth_unsubscribe") };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionNames {
    /// The method name of the notifications with the items. Default: that of the method itself,
    /// with its namespace.
    pub event: Option<&'static str>,
    /// Another name of `rpc.unsubscribe`. Default: none.
    pub unsubscribe: Option<&'static str>,
}

impl SubscriptionNames {
    /// The default names.
    pub const DEFAULT: Self = Self { event: None, unsubscribe: None };
}
