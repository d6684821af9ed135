//! What the host told one call of a component, kept so that a generation that watches can be told the same.
//!
//! Rows, the time, chance, the words of drivers: each answer is kept under what was asked, in its order. Whoever watches is told
//! the same. What was not asked before is asked now, if asking changes nothing; an effect that whoever serves did not have is
//! denied. So watching changes nothing, and that something else would have been done is known afterwards. Of what was asked
//! only a digest is kept: there are passwords in it. Absent: comparing answers (`engine::watch`, `drivers::shadow`).

use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};

/// Answers of one script. A request has some dozens; with more than this nobody watches.
const ANSWERS_MAX: usize = 4096;

/// What kind of question it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// It changes nothing.
    Question,
    /// It changes something, or may.
    Effect,
    /// It is what came back of an effect.
    Reply,
    /// It is about the time, which stands still at its last answer.
    Time,
}

/// What one call was told. Clones are handles to the same one; the default keeps and tells nothing.
#[derive(Clone, Default)]
pub(crate) struct Script {
    book: Option<Arc<Mutex<Book>>>,
    plays: bool,
}

#[derive(Default)]
struct Book {
    told: HashMap<Question, VecDeque<Told>>,
    answers: usize,
    /// It is not whole.
    torn: bool,
    /// An effect that was asked for and denied.
    denied: Option<&'static str>,
}

/// A digest of what was asked.
type Question = [u8; blake3::OUT_LEN];

struct Told {
    answer: Box<dyn Any + Send>,
    /// Of what, if it was an effect.
    effect: Option<&'static str>,
}

/// What whoever watches would have done otherwise, by the name of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deviation {
    /// It would have done this, and whoever serves did not.
    Added(&'static str),
    /// It would not have done this, and whoever serves did.
    Missed(&'static str),
}

impl Script {
    /// An empty one, for a call that serves.
    pub(crate) fn blank() -> Self {
        Self { book: Some(Arc::default()), plays: false }
    }

    /// The same for a call that watches; `None` if not everything is in it.
    pub(crate) fn rewound(self) -> Option<Self> {
        let is_torn = self.book.as_ref().is_none_or(|book| look(book, |book| book.torn));
        (!is_torn).then_some(Self { plays: true, ..self })
    }

    /// Whether anything is kept or told.
    pub(crate) fn is_there(&self) -> bool {
        self.book.is_some()
    }

    /// Whether it is for a call that watches.
    pub(crate) fn plays(&self) -> bool {
        self.plays
    }

    /// Notes that something cannot be told again.
    pub(crate) fn tear(&self) {
        if let Some(book) = &self.book {
            look(book, |book| *book = Book { torn: true, ..Book::default() });
        }
    }

    /// Begins to ask for something: `about` is all that the answer depends on.
    pub(crate) fn ask(&self, nature: Nature, operation: &'static str, about: &dyn Debug) -> Asked {
        Asked(self.book.as_ref().map(|book| {
            let question = *blake3::hash(format!("{operation} {about:?}").as_bytes()).as_bytes();
            Line { book: book.clone(), plays: self.plays, nature, operation, question }
        }))
    }

    /// What would have been done that was not.
    pub(crate) fn added(&self) -> Option<Deviation> {
        look(self.book.as_ref()?, |book| book.denied.map(Deviation::Added))
    }

    /// What was done and would not have been, when everything has been asked.
    pub(crate) fn missed(&self) -> Option<Deviation> {
        let of = |told: &VecDeque<Told>| told.iter().find_map(|told| told.effect);
        look(self.book.as_ref()?, |book| book.told.values().find_map(of).map(Deviation::Missed))
    }
}

/// A question that is about to be answered.
#[must_use]
pub(crate) struct Asked(Option<Line>);

struct Line {
    book: Arc<Mutex<Book>>,
    plays: bool,
    nature: Nature,
    operation: &'static str,
    question: Question,
}

/// Where an answer comes from.
enum From<T> {
    Book(T),
    Host,
    /// It would be an effect.
    Nowhere,
}

impl Asked {
    /// The answer: what was told before, or else the host's.
    pub(crate) async fn told<T: Clone + Send + 'static, E>(
        self,
        answer: impl Future<Output = Result<T, E>>,
        denied: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let Some(line) = self.0 else { return answer.await };
        match line.find() {
            From::Book(told) => Ok(told),
            From::Nowhere => Err(denied()),
            From::Host => {
                let answer = answer.await;
                line.note(answer.as_ref().ok());
                answer
            }
        }
    }

    /// The same for what the host knows at once, and does not deny.
    pub(crate) fn told_now<T: Clone + Send + 'static, E>(self, answer: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let Some(line) = self.0 else { return answer() };
        if let From::Book(told) = line.find() {
            return Ok(told);
        }
        let answer = answer();
        line.note(answer.as_ref().ok());
        answer
    }
}

impl Line {
    fn find<T: Clone + 'static>(&self) -> From<T> {
        if !self.plays {
            return From::Host;
        }
        let told = look(&self.book, |book| {
            let told = book.told.get_mut(&self.question)?;
            let is_last = self.nature == Nature::Time && told.len() == 1;
            let told =
                told.front().and_then(|told| told.answer.downcast_ref::<T>().cloned()).map(|answer| (answer, told))?;
            if !is_last {
                told.1.pop_front();
            }
            Some(told.0)
        });
        match (told, self.nature) {
            (Some(told), _) => From::Book(told),
            (None, Nature::Effect | Nature::Reply) => {
                look(&self.book, |book| book.denied = book.denied.or(Some(self.operation)));
                From::Nowhere
            }
            (None, _) => From::Host,
        }
    }

    /// Keeps an answer; without one, the script is not whole.
    fn note<T: Clone + Send + 'static>(self, answer: Option<&T>) {
        let Self { book, plays, nature, operation, question } = self;
        if plays {
            return;
        }
        look(&book, |book| {
            let Some(answer) = answer.filter(|_| book.answers < ANSWERS_MAX && !book.torn) else {
                *book = Book { torn: true, ..Book::default() };
                return;
            };
            book.answers += 1;
            let effect = (nature == Nature::Effect).then_some(operation);
            book.told.entry(question).or_default().push_back(Told { answer: Box::new(answer.clone()), effect });
        });
    }
}

fn look<T>(book: &Mutex<Book>, look: impl FnOnce(&mut Book) -> T) -> T {
    look(&mut book.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(script: &Script, nature: Nature, about: &str, answer: Result<u32, ()>) -> Result<u32, ()> {
        script.ask(nature, "do", &about).told(async { answer }, || ()).await
    }

    #[tokio::test]
    async fn whoever_watches_is_told_the_same_in_its_order_and_changes_nothing() {
        let script = Script::blank();
        for (nature, about, answer) in
            [(Nature::Question, "a", 1), (Nature::Question, "a", 2), (Nature::Effect, "b", 3)]
        {
            assert_eq!(ask(&script, nature, about, Ok(answer)).await, Ok(answer), "whoever serves is served");
        }
        let script = script.rewound().unwrap();
        assert_eq!(script.missed(), Some(Deviation::Missed("do")));
        for (nature, about, answer) in
            [(Nature::Question, "a", 1), (Nature::Effect, "b", 3), (Nature::Question, "a", 2)]
        {
            assert_eq!(ask(&script, nature, about, Ok(9)).await, Ok(answer));
        }
        assert_eq!((script.added(), script.missed()), (None, None));
        assert_eq!(ask(&script, Nature::Question, "a", Ok(9)).await, Ok(9), "what is new is asked");
        assert_eq!(ask(&script, Nature::Effect, "b", Ok(9)).await, Err(()), "an effect is had once");
        assert_eq!(script.added(), Some(Deviation::Added("do")));
    }

    #[test]
    fn the_time_stands_still_at_its_last_answer() {
        let now = |script: &Script, answer: u32| script.ask(Nature::Time, "now", &()).told_now(|| Ok::<_, ()>(answer));
        let script = Script::blank();
        assert_eq!((now(&script, 1), now(&script, 2)), (Ok(1), Ok(2)));
        let script = script.rewound().unwrap();
        assert_eq!([0; 4].map(|_| now(&script, 9)), [Ok(1), Ok(2), Ok(2), Ok(2)]);
    }

    #[tokio::test]
    async fn what_failed_or_is_too_much_is_not_told_again() {
        let script = Script::blank();
        assert_eq!(ask(&script, Nature::Question, "a", Err(())).await, Err(()));
        assert_eq!(ask(&script, Nature::Question, "a", Ok(1)).await, Ok(1));
        assert!(script.rewound().is_none());
        let script = Script::blank();
        for _ in 0..=ANSWERS_MAX {
            assert_eq!(ask(&script, Nature::Question, "a", Ok(1)).await, Ok(1));
        }
        assert!(script.rewound().is_none());
        assert!(Script::default().rewound().is_none(), "without a script there is nothing to play");
    }
}
