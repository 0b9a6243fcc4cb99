//! The open subscriptions of one connection, by their numbers.

use smallvec::SmallVec;

use super::open_subscription::OpenSubscription;

/// The open subscriptions of one connection, in the order of their numbers.
///
/// A list, since most connections have one subscription, which needs no memory of its own here.
#[derive(Default)]
pub(super) struct OpenTable(SmallVec<[Place; 1]>);

/// The place of a subscription.
struct Place {
    number: u64,
    /// `None` while it is polled.
    subscription: Option<Box<OpenSubscription>>,
}

impl OpenTable {
    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all but those that are polled.
    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenSubscription> {
        self.0.iter().filter_map(|place| place.subscription.as_deref())
    }

    /// Adds a subscription, whose number is greater than that of any other.
    pub(super) fn push(&mut self, number: u64, subscription: OpenSubscription) {
        self.0.push(Place { number, subscription: Some(Box::new(subscription)) });
    }

    /// Returns a subscription, unless it is polled.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut OpenSubscription> {
        self.place(number)?.subscription.as_deref_mut()
    }

    /// Takes a subscription out of its place, for it to be polled.
    pub(super) fn take(&mut self, number: u64) -> Option<Box<OpenSubscription>> {
        self.place(number)?.subscription.take()
    }

    /// Puts a subscription back that was polled.
    pub(super) fn put_back(&mut self, number: u64, subscription: Box<OpenSubscription>) {
        if let Some(place) = self.place(number) {
            place.subscription = Some(subscription);
        }
    }

    /// Removes a subscription, and its place. Returns it unless it is polled.
    pub(super) fn remove(&mut self, number: u64) -> Option<Box<OpenSubscription>> {
        let at = self.find(number)?;
        self.0.remove(at).subscription
    }

    /// Removes the subscriptions for which `ends` returns true.
    pub(super) fn remove_if(
        &mut self,
        mut ends: impl FnMut(u64, &OpenSubscription) -> bool,
    ) -> Vec<(u64, Box<OpenSubscription>)> {
        let mut removed = Vec::new();
        self.0.retain(|Place { number, subscription }| {
            let ended = subscription.take_if(|subscription| ends(*number, subscription));
            let stays = ended.is_none();
            removed.extend(ended.map(|subscription| (*number, subscription)));
            stays
        });
        removed
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.0.binary_search_by_key(&number, |place| place.number).ok()
    }

    fn place(&mut self, number: u64) -> Option<&mut Place> {
        let at = self.find(number)?;
        self.0.get_mut(at)
    }
}
