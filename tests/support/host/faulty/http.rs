//! As much of wasi:http as drivers use for one request after the other: everything that belongs to a request has its number.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceAny, ResourceType, Val};

use super::{Conduct, Import, World};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Host and path: `op.example.com/token`.
    pub place: String,
    /// The value of `authorization`.
    pub authorization: String,
    /// The body.
    pub body: String,
}

/// A status and a body.
pub type Answer = (u16, String);

/// A request and its answer.
#[derive(Clone, Default)]
pub(super) struct Exchange {
    asked: Asked,
    path: String,
    conduct: Option<Conduct>,
    answer: Option<Answer>,
    taken: bool,
}

type Context<'a> = StoreContextMut<'a, World>;

/// What a function gets, the number of the first thing among it first, and gives.
type Call = fn(&mut Context<'_>, u32, &[Val]) -> wasmtime::Result<Option<Val>>;

/// The functions that are called, by their interface. What is not here traps.
const TYPES: [(&str, Call); 21] = [
    ("[static]fields.from-list", from_list),
    ("[method]fields.get", |_, _, _| Ok(Some(Val::List(vec![Val::List(bytes(b"application/json"))])))),
    ("[constructor]outgoing-request", new_request),
    ("[method]outgoing-request.body", fallible),
    ("[method]outgoing-request.set-method", done),
    ("[method]outgoing-request.set-scheme", done),
    ("[method]outgoing-request.set-authority", |store, number, given| {
        exchange(store, number)?.asked.place = optional_text(given);
        Ok(Some(fine(None)))
    }),
    ("[method]outgoing-request.set-path-with-query", |store, number, given| {
        exchange(store, number)?.path = optional_text(given);
        Ok(Some(fine(None)))
    }),
    ("[constructor]request-options", infallible),
    ("[method]request-options.set-connect-timeout", done),
    ("[method]request-options.set-first-byte-timeout", done),
    ("[method]request-options.set-between-bytes-timeout", done),
    ("[method]outgoing-body.write", fallible),
    ("[static]outgoing-body.finish", done),
    ("[method]future-incoming-response.subscribe", infallible),
    ("[method]future-incoming-response.get", get),
    ("[method]incoming-response.status", |store, number, _| {
        Ok(Some(Val::U16(exchange(store, number)?.answer.as_ref().map_or(0, |(status, _)| *status))))
    }),
    ("[method]incoming-response.headers", infallible),
    ("[method]incoming-response.consume", fallible),
    ("[method]incoming-body.stream", fallible),
    ("http-error-code", |_, _, _| Ok(Some(Val::Option(None)))),
];

pub(super) fn add_to_linker(linker: &mut Linker<World>) -> wasmtime::Result<()> {
    resources(&mut linker.instance("wasi:io/error@0.2.12")?, &["error"])?;
    let mut poll = linker.instance("wasi:io/poll@0.2.12")?;
    resources(&mut poll, &["pollable"])?;
    add(&mut poll, "[method]pollable.block", |_, _, _| Ok(None))?;
    let mut streams = linker.instance("wasi:io/streams@0.2.12")?;
    resources(&mut streams, &["input-stream", "output-stream"])?;
    add(&mut streams, "[method]input-stream.blocking-read", read)?;
    add(&mut streams, "[method]output-stream.blocking-write-and-flush", write)?;
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    resources(
        &mut types,
        &[
            "fields",
            "outgoing-request",
            "outgoing-body",
            "request-options",
            "future-incoming-response",
            "incoming-response",
            "incoming-body",
        ],
    )?;
    for (name, call) in TYPES {
        add(&mut types, name, call)?;
    }
    add(&mut linker.instance("wasi:http/outgoing-handler@0.2.12")?, "handle", send)
}

/// All of them are numbers: of a request, or of a set of headers.
fn resources(instance: &mut LinkerInstance<'_, World>, names: &[&str]) -> wasmtime::Result<()> {
    names.iter().try_for_each(|name| instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(())))
}

fn add(instance: &mut LinkerInstance<'_, World>, name: &str, call: Call) -> wasmtime::Result<()> {
    instance.func_new(name, move |mut store, _, given, results| {
        let (number, rest) = match given.split_first() {
            Some((Val::Resource(thing), rest)) => (taken(&mut store, *thing)?, rest),
            _ => (0, given),
        };
        let result = call(&mut store, number, given)?;
        if let (Some(place), Some(result)) = (results.first_mut(), result) {
            *place = result;
        }
        given_back(&mut store, rest)
    })
}

/// The number of a thing that a call was given; it is let go of with that, lent or not.
fn taken(store: &mut Context<'_>, thing: ResourceAny) -> wasmtime::Result<u32> {
    Ok(Resource::<()>::try_from_resource_any(thing, &mut *store)?.rep())
}

/// Lets go of the things that a call was given.
fn given_back(store: &mut Context<'_>, given: &[Val]) -> wasmtime::Result<()> {
    for value in given {
        match value {
            Val::Resource(thing) => thing.resource_drop(&mut *store)?,
            Val::Option(Some(inner)) => given_back(store, std::slice::from_ref(inner))?,
            _ => {}
        }
    }
    Ok(())
}

/// Nothing but that it went well.
#[expect(clippy::unnecessary_wraps, reason = "one of a table of functions")]
fn done(_: &mut Context<'_>, _: u32, _: &[Val]) -> wasmtime::Result<Option<Val>> {
    Ok(Some(fine(None)))
}

/// Another thing of the same request.
fn infallible(store: &mut Context<'_>, number: u32, _: &[Val]) -> wasmtime::Result<Option<Val>> {
    Ok(Some(handle(store, number)?))
}

/// The same, where the contract has it fail, too.
fn fallible(store: &mut Context<'_>, number: u32, _: &[Val]) -> wasmtime::Result<Option<Val>> {
    Ok(Some(fine(Some(handle(store, number)?))))
}

fn fine(value: Option<Val>) -> Val {
    Val::Result(Ok(value.map(Box::new)))
}

fn bytes(text: &[u8]) -> Vec<Val> {
    text.iter().map(|byte| Val::U8(*byte)).collect()
}

fn handle(store: &mut Context<'_>, number: u32) -> wasmtime::Result<Val> {
    Ok(Val::Resource(Resource::<()>::new_own(number).try_into_resource_any(&mut *store)?))
}

fn exchange<'a>(store: &'a mut Context<'_>, number: u32) -> wasmtime::Result<&'a mut Exchange> {
    let exchange = store.data_mut().exchanges.get_mut(usize::try_from(number)?);
    exchange.ok_or_else(|| wasmtime::Error::msg("no such request"))
}

fn optional_text(given: &[Val]) -> String {
    match given.get(1) {
        Some(Val::Option(Some(text))) => match text.as_ref() {
            Val::String(text) => text.clone(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn text_of(value: &Val) -> Vec<u8> {
    let Val::List(bytes) = value else { return Vec::new() };
    bytes.iter().filter_map(|byte| if let Val::U8(byte) = byte { Some(*byte) } else { None }).collect()
}

fn from_list(store: &mut Context<'_>, _: u32, given: &[Val]) -> wasmtime::Result<Option<Val>> {
    let mut headers = Vec::new();
    if let Some(Val::List(pairs)) = given.first() {
        for pair in pairs {
            if let Val::Tuple(pair) = pair
                && let [Val::String(name), value] = pair.as_slice()
            {
                headers.push((name.clone(), text_of(value)));
            }
        }
    }
    let world = store.data_mut();
    world.fields.push(headers);
    let number = u32::try_from(world.fields.len() - 1)?;
    Ok(Some(fine(Some(handle(store, number)?))))
}

fn new_request(store: &mut Context<'_>, number: u32, _: &[Val]) -> wasmtime::Result<Option<Val>> {
    let world = store.data_mut();
    let headers = world.fields.get(usize::try_from(number)?).cloned().unwrap_or_default();
    let authorization = headers.into_iter().find(|(name, _)| name == "authorization");
    let authorization = authorization.map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
    let asked = Asked { authorization: authorization.unwrap_or_default(), ..Asked::default() };
    world.exchanges.push(Exchange { asked, ..Exchange::default() });
    let number = u32::try_from(world.exchanges.len() - 1)?;
    Ok(Some(handle(store, number)?))
}

fn send(store: &mut Context<'_>, number: u32, _: &[Val]) -> wasmtime::Result<Option<Val>> {
    let conduct = store.data_mut().conduct(Import::Fetch);
    if conduct == Some(Conduct::Fail) {
        let refused = Val::Variant("connection-refused".to_owned(), None);
        return Ok(Some(Val::Result(Err(Some(Box::new(refused))))));
    }
    exchange(store, number)?.conduct = conduct;
    Ok(Some(fine(Some(handle(store, number)?))))
}

fn write(store: &mut Context<'_>, number: u32, given: &[Val]) -> wasmtime::Result<Option<Val>> {
    let text = given.get(1).map(text_of).unwrap_or_default();
    exchange(store, number)?.asked.body.push_str(&String::from_utf8_lossy(&text));
    Ok(Some(fine(None)))
}

/// The answer, which is made now; the request is complete by then.
fn get(store: &mut Context<'_>, number: u32, _: &[Val]) -> wasmtime::Result<Option<Val>> {
    let network = store.data().network.clone();
    let exchange = exchange(store, number)?;
    let outcome = if exchange.conduct == Some(Conduct::Delay) {
        Val::Result(Err(Some(Box::new(Val::Variant("HTTP-response-timeout".to_owned(), None)))))
    } else {
        let mut asked = exchange.asked.clone();
        asked.place.push_str(exchange.path.split('?').next().unwrap_or_default());
        exchange.answer = Some(network(&asked, exchange.conduct));
        fine(Some(handle(store, number)?))
    };
    Ok(Some(Val::Option(Some(Box::new(fine(Some(outcome)))))))
}

/// All of the body at once, and then its end.
fn read(store: &mut Context<'_>, number: u32, _: &[Val]) -> wasmtime::Result<Option<Val>> {
    let exchange = exchange(store, number)?;
    if exchange.taken {
        let closed = Val::Variant("closed".to_owned(), None);
        return Ok(Some(Val::Result(Err(Some(Box::new(closed))))));
    }
    exchange.taken = true;
    let body = exchange.answer.as_ref().map(|(_, body)| bytes(body.as_bytes())).unwrap_or_default();
    Ok(Some(fine(Some(Val::List(body)))))
}
