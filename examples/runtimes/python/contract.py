"""Components and plain values: records are dictionaries with names in snake_case, cases with a tag are tuples, and a
result's error is `Failure`. Everything is read off the component's own types; nothing here knows Gatewit."""

from wasmtime import Store
from wasmtime.component import (FuncType, Linker, ListType, OptionType, Record, RecordType, ResourceAny, ResourceType,
                                ResultType, Variant, VariantType)


class Failure(Exception):
    """The error of a result: its tag, and what belongs to it."""

    def __init__(self, tag, value=None):
        super().__init__(tag)
        self.tag, self.value = tag, value


def snake(name):
    return name.split(".")[-1].replace("-", "_")


def lift(value):
    """Out of the component."""
    if isinstance(value, Record):
        return {snake(name): lift(inner) for name, inner in vars(value).items()}
    if isinstance(value, Variant):
        return value.tag, lift(value.payload)
    return type(value)(map(lift, value)) if isinstance(value, (list, tuple)) else value


def case(kind, tag, value):
    """A case as the package wants it: bare, where the type of what is in it tells which case it is."""
    value = lower(dict(kind._cases())[tag], value)
    return Variant(tag, value) if kind._tagged() else value


def lower(kind, value):
    """Into the component."""
    if isinstance(kind, RecordType):
        record = Record()
        for name, inner in kind.fields:
            setattr(record, name, lower(inner, value.get(snake(name))))
        return record
    if isinstance(kind, ListType) and isinstance(value, list):
        return [lower(kind.element, inner) for inner in value]
    if isinstance(kind, OptionType):
        return None if value is None else lower(kind.payload, value)
    return case(kind, *value) if isinstance(kind, VariantType) else value


def imported(kind, function):
    def call(store, *arguments):
        # A resource of ours comes back as the number that it was given.
        arguments = [value.to_host(store).rep if isinstance(value, ResourceAny) else lift(value) for value in arguments]
        if not isinstance(kind.result, ResultType):
            return lower(kind.result, function(*arguments))
        try:
            return case(kind.result, "ok", function(*arguments))
        except Failure as error:
            return case(kind.result, "err", (error.tag, error.value))
    return call


class Instance:
    """A fresh instance of a component, whose imports are `host[interface][function]`; a resource is what drops it."""

    def __init__(self, engine, component, host):
        linker, self.store = Linker(engine), Store(engine)
        for interface, item in component.type.imports(engine).items():
            functions = host.get(interface.split("@")[0], {})
            with linker.root() as root, root.add_instance(interface) as instance:
                for name, kind in item.ty.exports(engine).items():
                    if isinstance(kind.ty, FuncType):
                        instance.add_func(name, imported(kind.ty, functions[snake(name)]))
                    elif isinstance(kind.ty, ResourceType):
                        drop = functions[snake(name)]
                        instance.add_resource(name, ResourceType.host(1), lambda _store, number: drop(number))
        self.instance = linker.instantiate(self.store, component)

    def call(self, interface, name, *arguments):
        index = self.instance.get_export_index(self.store, interface)
        index = self.instance.get_export_index(self.store, name, index)
        function = self.instance.get_func(self.store, index)
        kinds = function.type(self.store)
        answer = function(self.store, *(lower(kind, value) for (_, kind), value in zip(kinds.params, arguments)))
        function.post_return(self.store)
        answer = lift(answer)
        if isinstance(kinds.result, ResultType) and isinstance(answer, tuple):
            # No result here is good and a case of something at once, so what is a case is the error.
            raise Failure(*answer)
        return answer
