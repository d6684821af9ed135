//! The tries for drivers that send the browser away.

use super::{
    Subject,
    answer::{Answer, Found, Journey, agree, claims_nothing, kind, misconfigured, refuses, survives},
    report::Report,
    rule::{
        BEGINS, CALLBACK, CLAIMS, DENIED, EXTRAS, FOREIGN, GARBAGE, MEMORY, MISSING, NOTHING, RECALLS, REPLAYED, Rule,
        STATE, STATELESS, WEB,
    },
    sample,
};
use crate::{
    bindings::auth::gatewit::driver::types::{Arrival, Claim, Departure, Refusal},
    capability::drivers::Served,
};
use std::sync::Arc;

pub(super) async fn called(subject: &Subject<'_>, served: &Arc<Served>, report: &mut Report) {
    let memory = began(subject, served, report).await;
    recalled(subject, served, report).await;
    finished(subject, served, &memory, report).await;
    further(subject, served, report).await;
    missing(subject, report).await;
}

/// What the driver wants remembered, or something in its place if it cannot begin here.
async fn began(subject: &Subject<'_>, served: &Arc<Served>, report: &mut Report) -> String {
    let (first, second) = (subject.laboratory.begin(served, false).await, subject.laboratory.begin(served, true).await);
    report.judge(&STATELESS, &agree(&first, &second).into_iter().collect::<Vec<_>>());
    match first {
        Ok(Ok(departure)) => {
            report.pass(&BEGINS);
            judge_departure(subject, served, &departure, report).await;
            return departure.memory;
        }
        // It asks the provider where to send people, and here nobody answers, or keys are missing that cannot be made up.
        Ok(Err(Refusal::Unavailable(why) | Refusal::Misconfigured(why))) => {
            report.skip(&BEGINS, format!("it needs settings that work, see --setting: {why}"));
        }
        Ok(Err(refusal)) => report.judge(&BEGINS, &[format!("it answers {}", kind(&refusal))]),
        Err(error) => report.judge(&BEGINS, &[error.to_string()]),
    }
    for rule in [&WEB, &STATE, &CALLBACK, &MEMORY, &RECALLS] {
        report.skip(rule, "no sign-in begins");
    }
    String::new()
}

async fn judge_departure(subject: &Subject<'_>, served: &Arc<Served>, departure: &Departure, report: &mut Report) {
    let journey = Journey::of(departure);
    report.judge(&WEB, &journey.is_to_the_web().into_iter().collect::<Vec<_>>());
    goes_along(&STATE, &journey.state(), "the state", report);
    goes_along(&CALLBACK, &journey.callback(), "the callback", report);
    let tells = journey.tells(&departure.memory);
    report.judge(&MEMORY, &tells.then(|| "the memory goes along".to_owned()).into_iter().collect::<Vec<_>>());
    let Found::In(name) = journey.state() else {
        return report.skip(&RECALLS, "it cannot be seen in which parameter the state comes back");
    };
    let parameters = sample::parameters(&[("code", sample::CODE), (name, sample::STATE)]);
    let problem = match subject.laboratory.recall(served, parameters).await {
        Ok(Ok(Claim { state: Some(state), .. })) if state == sample::STATE => None,
        Ok(_) => Some(format!("the state in `{name}` is not found")),
        Err(error) => Some(error.to_string()),
    };
    report.judge(&RECALLS, &problem.into_iter().collect::<Vec<_>>());
}

fn goes_along(rule: &Rule, found: &Found<'_>, what: &str, report: &mut Report) {
    match found {
        Found::In(_) => report.pass(rule),
        Found::Unseen => report.skip(rule, format!("{what} may lie in an encoded message")),
        Found::Nowhere => report.judge(rule, &[format!("{what} is neither in the address nor in the form")]),
    }
}

async fn recalled(subject: &Subject<'_>, served: &Arc<Served>, report: &mut Report) {
    let mut inputs = vec![Vec::new(), vec![("code", sample::CODE)]];
    inputs.push(vec![("state", sample::STATE), ("state", "another")]);
    inputs.push(vec![("SAMLResponse", "bm90aGluZw=="), ("RelayState", "/")]);
    let mut problems = Vec::new();
    for input in inputs {
        let claim = subject.laboratory.recall(served, sample::parameters(&input)).await;
        problems.extend(claims_nothing(&claim, &input));
    }
    let huge = sample::huge();
    for text in sample::ODD.into_iter().chain([huge.as_str()]) {
        let parameters = sample::parameters(&[("state", text), ("SAMLResponse", text), (text, text)]);
        problems.extend(survives(&subject.laboratory.recall(served, parameters).await, "odd parameters"));
    }
    report.judge(&CLAIMS, &problems);
}

async fn finished(subject: &Subject<'_>, served: &Arc<Served>, memory: &str, report: &mut Report) {
    let tries: [(&Rule, Vec<Arrival>); 4] = [
        (&NOTHING, sample::nothing(memory)),
        (&DENIED, sample::denied(memory)),
        (&GARBAGE, sample::garbage(memory)),
        (&FOREIGN, sample::foreign()),
    ];
    for (rule, arrivals) in tries {
        let mut problems = Vec::new();
        for arrival in arrivals {
            let names: Vec<_> = arrival.parameters.iter().map(|parameter| parameter.name.clone()).collect();
            problems.extend(refuses(&subject.laboratory.finish(served, arrival).await, &names));
        }
        report.judge(rule, &problems);
    }
    let mut problems = Vec::new();
    for _ in 0..2 {
        let answer = subject.laboratory.finish(served, sample::unknown(memory)).await;
        problems.extend(refuses(&answer, &"a code that nobody gave"));
    }
    report.judge(&REPLAYED, &problems);
}

/// A notice has to be refused; of the others only an answer is asked for.
async fn further(subject: &Subject<'_>, served: &Arc<Served>, report: &mut Report) {
    let laboratory = subject.laboratory;
    let huge = sample::huge();
    let mut problems = Vec::new();
    for text in sample::ODD.into_iter().chain(["", "{}", huge.as_str()]) {
        let notice = sample::parameters(&[("logout_token", text), ("SAMLRequest", text), ("SAMLResponse", text)]);
        let notice: Answer<()> = laboratory.read_notice(served, notice).await;
        problems.extend(refuses(&notice, &"a notice").map(|told| told.replace("signs in", "is taken for a notice")));
        problems.extend(survives(&laboratory.refresh(served, text).await, "odd data of a refresh"));
        problems.extend(survives(&laboratory.leave(served, text).await, "odd data of a sign-out"));
    }
    problems.extend(survives(&laboratory.describe_us(served).await, "the description of us"));
    report.judge(&EXTRAS, &problems);
}

async fn missing(subject: &Subject<'_>, report: &mut Report) {
    let mut problems = Vec::new();
    for name in subject.required() {
        let Some(served) = subject.without(name) else { continue };
        let begun = subject.laboratory.begin(&served, false).await;
        // What is needed at the end only may be missed there.
        let finished = match begun {
            Ok(Ok(departure)) => {
                let arrival = sample::unknown(&departure.memory);
                subject.laboratory.finish(&served, arrival).await.map(|answer| answer.map(drop))
            }
            other => other.map(|answer| answer.map(drop)),
        };
        // Who asks the provider first, learns nothing more where nobody answers.
        if !matches!(finished, Ok(Err(Refusal::Unavailable(_)))) {
            problems.extend(misconfigured(&finished, name));
        }
    }
    if subject.required().next().is_none() {
        return report.skip(&MISSING, "no setting is required");
    }
    report.judge(&MISSING, &problems);
}
