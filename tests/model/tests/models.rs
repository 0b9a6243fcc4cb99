//! Runs the models.

use callbox_model::{bell, calls, mailbox_ends, turn};

macro_rules! models {
    ($($module:ident: $($model:ident),+;)+) => {
        $($(
            #[test]
            fn $model() {
                $module::$model();
            }
        )+)+
    };
}

models! {
    bell: two_pushes_into_one_mailbox_are_both_seen, deferred_pushes_are_seen_when_their_callers_wake_the_host,
        a_push_behind_a_deferred_one_wakes_the_host, pushes_into_two_mailboxes_are_both_seen, a_nudge_is_not_lost;
    turn: the_host_gets_its_turn_after_an_inline_writer, the_host_gets_its_turn_after_an_inline_reader,
        an_inline_call_never_overtakes_one_that_waits, inline_writers_are_alone;
    mailbox_ends: a_push_racing_with_a_close_is_not_lost,
        a_start_racing_with_a_close_is_not_lost, a_slot_is_never_acquired_twice,
        a_batch_that_waits_for_a_slot_gets_it;
    calls: a_caller_that_waits_gets_the_answer, a_caller_that_gives_up_and_the_host_agree_on_the_end, a_call_ends_once,
        a_running_call_learns_that_its_caller_has_left, a_rejected_call_does_not_start;
}
