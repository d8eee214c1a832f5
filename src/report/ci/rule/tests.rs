//! Identifiers and levels of the rules.

use super::*;

#[test]
fn identifiers_and_names_are_given_once_and_in_order() {
    let ids: Vec<&str> = Rule::all().map(Rule::id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    let mut names: Vec<&str> = Rule::all().map(Rule::name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ids.len());
}

#[test]
fn gates_fail_a_job_and_traps_do_not() {
    for rule in Rule::all() {
        let fails = rule.id() < "MT100" || rule.says_that_it_fails();
        assert_eq!(rule.level() == Level::Error, fails, "{}", rule.id());
        assert!(rule.summary().ends_with('.') && rule.help().ends_with('.'));
    }
}

#[test]
fn every_trap_has_an_entry() {
    for trap in Trap::ALL {
        assert_eq!(Rule::Trap(trap).entry().rule, Rule::Trap(trap));
    }
}
