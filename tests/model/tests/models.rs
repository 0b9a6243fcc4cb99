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
    bell: two_pushes_into_one_mailbox_are_both_seen, unheard_pushes_are_seen_when_their_callers_wake_the_host,
        a_push_behind_an_unheard_one_wakes_the_host, pushes_into_two_mailboxes_are_both_seen, a_nudge_is_not_lost;
    turn: the_host_gets_in_after_an_inline_writer, the_host_gets_in_after_an_inline_reader,
        an_inline_call_never_overtakes_one_that_waits, inline_writers_are_alone;
    mailbox_ends: a_push_against_a_close_is_lost_by_neither,
        a_start_against_a_close_is_lost_by_neither, a_place_is_never_given_twice,
        a_batch_that_waits_for_room_is_told_of_it;
    calls: a_caller_that_waits_gets_the_answer, a_caller_that_gives_up_and_the_host_agree_on_the_end, a_call_ends_once,
        a_running_call_learns_that_its_caller_has_left, a_call_that_is_turned_away_does_not_start;
}
