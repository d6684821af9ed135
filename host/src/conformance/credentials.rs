//! The tries for drivers that take credentials.

use super::{
    Subject,
    answer::{agree, misconfigured, refuses},
    report::Report,
    rule::{COUNT, EMPTY, HUGE, MISSING, ODD, Rule, STATELESS, WRONG},
    sample,
};
use crate::capability::drivers::Served;
use std::sync::Arc;

pub(super) async fn called(subject: &Subject<'_>, served: &Arc<Served>, report: &mut Report) {
    let fields = subject.description.fields.len();
    let wrong = sample::wrong(fields);
    let first = subject.laboratory.login(served, &wrong).await;
    report.judge(&WRONG, &refuses(&first, &wrong).into_iter().collect::<Vec<_>>());
    let tries: [(&Rule, Vec<Vec<String>>); 4] = [
        (&EMPTY, sample::empty(fields)),
        (&ODD, sample::odd(fields)),
        (&HUGE, sample::large(fields)),
        (&COUNT, sample::miscounted(fields)),
    ];
    for (rule, inputs) in tries {
        let mut problems = Vec::new();
        for values in inputs {
            problems.extend(refuses(&subject.laboratory.login(served, &values).await, &values));
        }
        report.judge(rule, &problems);
    }
    let second = subject.laboratory.login(served, &wrong).await;
    report.judge(&STATELESS, &agree(&first, &second).into_iter().collect::<Vec<_>>());
    missing(subject, &wrong, report).await;
}

async fn missing(subject: &Subject<'_>, wrong: &[String], report: &mut Report) {
    let mut problems = Vec::new();
    for name in subject.required() {
        if let Some(served) = subject.without(name) {
            problems.extend(misconfigured(&subject.laboratory.login(&served, wrong).await, name));
        }
    }
    if subject.required().next().is_none() {
        return report.skip(&MISSING, "no setting is required");
    }
    report.judge(&MISSING, &problems);
}
