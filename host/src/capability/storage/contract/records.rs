//! Records: found, counted, and written in whole steps.

use super::super::{
    Action, Assignment, Author, Backend, Change, Comparison, Ending, Expectation, Input, NewSession, Node, Operator,
    Order, Query, Relation, Rotated, Seen, Step, Value, Written, mark,
};
use super::{HOUR, NOW, Opened, admin, begin, client, rotation, stores, token};

const USERS: &str = "directus_users";

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn compare(column: &str, operator: Operator, values: &[Value]) -> Node {
    Node::Compare(Comparison { column: column.into(), operator, values: values.to_vec() })
}

fn change(action: Action, collection: &str, id: Option<&str>, values: &[(&str, Value)]) -> Change {
    let assign =
        |(column, value): &(&str, Value)| Assignment { column: (*column).into(), input: Input::Plain(value.clone()) };
    Change {
        action,
        collection: collection.into(),
        id: id.map(ToOwned::to_owned),
        assignments: values.iter().map(assign).collect(),
        expectations: vec![],
    }
}

fn create(collection: &str, values: &[(&str, Value)]) -> Change {
    change(Action::Create, collection, None, values)
}

fn update(id: &str, values: &[(&str, Value)]) -> Change {
    change(Action::Update, USERS, Some(id), values)
}

fn step(changes: Vec<Change>) -> Step {
    let author = Author { user: None, client: client() };
    Step { changes, hashes: vec!["$new".into()], endings: vec![], author, now_ms: NOW }
}

async fn done(store: &dyn Backend, changes: Vec<Change>) -> Vec<String> {
    match store.write_records(step(changes)).await.unwrap() {
        Written::Done(ids) => ids,
        other => panic!("{other:?}"),
    }
}

fn query(collection: &str, columns: &[&str], condition: Vec<Node>) -> Query {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    Query { collection: collection.into(), columns, condition, order: vec![], limit: None, offset: 0 }
}

/// The first column of what meets a condition, as texts, in the order of an id or a text.
async fn column(store: &dyn Backend, collection: &str, name: &str, condition: Vec<Node>) -> Vec<String> {
    let order = vec![Order { column: name.into(), descending: false }];
    let rows = store.find_records(&Query { order, ..query(collection, &[name], condition) }).await.unwrap();
    rows.iter().map(|row| shown(&row[0])).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Null => "null".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Three accounts beside the administrator, one of them with the role `Editor`.
async fn people(store: &dyn Backend) -> String {
    let role = done(store, vec![create("directus_roles", &[("name", text("Editor"))])]).await.remove(0);
    let user = |email: &str, title: Value, role: Value| {
        create(USERS, &[("email", text(email)), ("title", title), ("role", role)])
    };
    done(
        store,
        vec![
            user("ann@example.com", text("50% OFF"), text(&role)),
            user("ben@example.com", text("50 percent off"), Value::Null),
            user("cleo@example.com", Value::Null, Value::Null),
        ],
    )
    .await;
    role
}

#[tokio::test]
async fn operators_mean_what_they_say() {
    use Operator::{
        Among, Contains, ContainsFolded, EndsWith, EndsWithFolded, Equal, Greater, GreaterOrEqual, Less, LessOrEqual,
        Null, StartsWith, StartsWithFolded,
    };
    for (name, Opened(store, _)) in stores().await {
        people(store.as_ref()).await;
        let (ann, ben, cleo) = ("ann@example.com", "ben@example.com", "cleo@example.com");
        let admin = "Admin@example.com";
        let titled = |operator, value: &str| vec![compare("title", operator, &[text(value)])];
        for (condition, expected) in [
            (titled(Equal, "50% OFF"), vec![ann]),
            (titled(Contains, "% O"), vec![ann]),
            (titled(Contains, "off"), vec![ben]),
            (titled(Contains, "0_O"), vec![]),
            (titled(Contains, ""), vec![ann, ben]),
            (titled(ContainsFolded, "Off"), vec![ann, ben]),
            (titled(StartsWith, "50%"), vec![ann]),
            (titled(StartsWith, "50"), vec![ann, ben]),
            (titled(StartsWith, "a much longer text than there is"), vec![]),
            (titled(StartsWithFolded, "50 PERCENT"), vec![ben]),
            (titled(EndsWith, "OFF"), vec![ann]),
            (titled(EndsWith, "x50% OFF"), vec![]),
            (titled(EndsWithFolded, "oFf"), vec![ann, ben]),
            (vec![compare("title", Null, &[])], vec![admin, cleo]),
            (vec![compare("title", Equal, &[Value::Null])], vec![]),
            (vec![compare("email", Among, &[text(ann), text(cleo), text("x")])], vec![ann, cleo]),
            (vec![compare("email", Among, &[])], vec![]),
            (vec![compare("email", Greater, &[text(ben)])], vec![cleo]),
            (vec![compare("email", GreaterOrEqual, &[text(ben)])], vec![ben, cleo]),
            (
                vec![compare("email", Less, &[text(ben)]), compare("email", Greater, &[text("aaa")]), Node::All(2)],
                vec![ann],
            ),
            (
                vec![
                    compare("email", LessOrEqual, &[text(ann)]),
                    compare("email", Greater, &[text("aaa")]),
                    Node::All(2),
                ],
                vec![ann],
            ),
            (vec![compare("email_notifications", Equal, &[Value::Boolean(false)])], vec![]),
            (vec![compare("id", Equal, &[text("no identifier")])], vec![]),
            (vec![compare("password", Null, &[]), Node::Not], vec![admin]),
        ] {
            let mut found = column(store.as_ref(), USERS, "email", condition.clone()).await;
            found.sort();
            assert_eq!(found, expected, "{name}: {condition:?}");
            let counted = store.count_records(USERS, &condition).await.unwrap();
            assert_eq!(counted, expected.len() as u64, "{name}: {condition:?}");
        }
    }
}

#[tokio::test]
async fn conditions_are_joined_negated_and_related() {
    for (name, Opened(store, _)) in stores().await {
        people(store.as_ref()).await;
        let email = |who: &str| compare("email", Operator::StartsWith, &[text(who)]);
        let title = || compare("title", Operator::Equal, &[text("50% OFF")]);
        let relation = |column: &str, key: &str, collection: &str| {
            Node::Related(Relation { column: column.into(), key: key.into(), collection: collection.into() })
        };
        let editors = compare("name", Operator::Equal, &[text("Editor")]);
        for (condition, expected) in [
            (vec![], 4),
            (vec![Node::All(0)], 4),
            (vec![Node::Any(0)], 0),
            (vec![email("ann"), email("ben"), Node::Any(2)], 2),
            (vec![email("ann"), title(), Node::All(2)], 1),
            (vec![email("ben"), title(), Node::All(2)], 0),
            // Where there is no title, it is not this one: three of four.
            (vec![title(), Node::Not], 3),
            (vec![title(), Node::Not, Node::Not], 1),
            (vec![editors.clone(), relation("role", "id", "directus_roles")], 1),
            (vec![editors.clone(), relation("role", "id", "directus_roles"), Node::Not], 3),
            // An identifier in one table is a text in another.
            (vec![Node::All(0), relation("id", "item", "directus_activity")], 3),
        ] {
            let counted = store.count_records(USERS, &condition).await.unwrap();
            assert_eq!(counted, expected, "{name}: {condition:?}");
        }
    }
}

#[tokio::test]
async fn records_are_found_in_order_and_in_parts() {
    for (name, Opened(store, _)) in stores().await {
        people(store.as_ref()).await;
        let by = |column: &str, descending| Order { column: column.into(), descending };
        let ask = |order: Vec<Order>, limit, offset| Query { order, limit, offset, ..query(USERS, &["email"], vec![]) };
        let titles = vec![by("title", false), by("email", true)];
        for (query, expected) in [
            (ask(vec![by("email", true)], Some(2), 0), vec!["cleo", "ben"]),
            (ask(titles.clone(), None, 1), vec!["Admin", "ben", "ann"]),
            (ask(titles, Some(0), 0), vec![]),
        ] {
            let rows = store.find_records(&query).await.unwrap();
            let found: Vec<_> = rows.iter().map(|row| shown(&row[0])).collect();
            let found: Vec<_> = found.iter().filter_map(|email| email.split('@').next()).collect();
            // Which of `50%` and `50 ` is first is the database's language's business.
            let (mut found, mut expected) = (found, expected);
            if query.limit.is_none() {
                found[1..].sort_unstable();
                expected[1..].sort_unstable();
            }
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn values_are_shown_as_the_wire_wants_them() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        begin(store.as_ref(), &token('a', '1')).await;
        let values = [("tags", Value::Json("[\"a\"]".into())), ("email_notifications", Value::Boolean(false))];
        done(store.as_ref(), vec![update(&user, &values)]).await;
        let columns = ["id", "password", "tfa_secret", "tags", "email_notifications", "last_access"];
        let rows = store.find_records(&query(USERS, &columns, vec![])).await.unwrap();
        // PostgreSQL knows of zones, and Directus shows there what it knows.
        let seen = if store.name() == "pg" { "2026-11-21T17:04:36.000Z" } else { "2026-11-21T17:04:36" };
        let expected = matches!(
            rows[0].as_slice(),
            [Value::Text(id), Value::Concealed, Value::Null, Value::Json(tags), Value::Boolean(false), Value::Text(at)]
                if *id == user && tags == "[\"a\"]" && at == seen
        );
        assert!(expected, "{name}: {rows:?}");
        let columns = ["action", "user", "timestamp", "ip", "user_agent", "origin", "collection", "item"];
        let login = vec![compare("action", Operator::Equal, &[text("login")])];
        let rows = store.find_records(&query("directus_activity", &columns, login)).await.unwrap();
        let found: Vec<_> = rows[0].iter().map(shown).collect();
        let expected =
            ["login", &user, "2026-11-21T17:04:36.000Z", "192.0.2.1", "test", "null", "directus_users", &user];
        assert_eq!(found, expected, "{name}");
        let times =
            [("date_end", text("2026-11-21T18:05:01.500+01:00")), ("date_created", text("2026-11-21T17:05:01.5Z"))];
        let share = [("collection", text("articles")), ("item", text("1"))];
        done(store.as_ref(), vec![create("directus_shares", &[&share[..], &times[..]].concat())]).await;
        let until = |operator| vec![compare("date_end", operator, &[text("2026-11-21T17:05:01.500Z")])];
        assert_eq!(store.count_records("directus_shares", &until(Operator::LessOrEqual)).await.unwrap(), 1, "{name}");
        assert_eq!(store.count_records("directus_shares", &until(Operator::Less)).await.unwrap(), 0, "{name}");
        let columns = ["date_end", "date_created", "times_used"];
        let rows = store.find_records(&query("directus_shares", &columns, vec![])).await.unwrap();
        let found: Vec<_> = rows[0].iter().map(shown).collect();
        let end = if store.name() == "pg" { "2026-11-21T17:05:01.500Z" } else { "2026-11-21T17:05:01" };
        assert_eq!(found, [end, "2026-11-21T17:05:01.500Z", "0"], "{name}");
    }
}

#[tokio::test]
async fn a_change_is_put_on_record_with_what_came_of_it() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        let mut created = create(USERS, &[("email", text("new@example.com"))]);
        created.assignments.push(Assignment { column: "password".into(), input: Input::PasswordHash(0) });
        let author = Author { user: Some(user.clone()), client: client() };
        let Written::Done(ids) = store.write_records(Step { author, ..step(vec![created]) }).await.unwrap() else {
            panic!("{name}")
        };
        assert_eq!(store.password_hash(&ids[0]).await.unwrap(), Some(Some("$new".into())), "{name}");
        done(store.as_ref(), vec![update(&ids[0], &[("status", text("suspended"))])]).await;
        done(store.as_ref(), vec![update(&ids[0], &[])]).await;
        done(store.as_ref(), vec![change(Action::Delete, USERS, Some(&ids[0]), &[])]).await;

        let columns = ["action", "user", "collection", "item", "ip"];
        let order = vec![Order { column: "id".into(), descending: false }];
        let activity = Query { order, ..query("directus_activity", &columns, vec![]) };
        let rows = store.find_records(&activity).await.unwrap();
        let found: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(shown).collect()).collect();
        let expected = |action: &'static str, who: &str| {
            vec![action.into(), who.into(), USERS.into(), ids[0].clone(), "192.0.2.1".into()]
        };
        assert_eq!(
            found,
            [expected("create", &user), expected("update", "null"), expected("delete", "null")],
            "{name}"
        );

        let deltas = column(store.as_ref(), "directus_revisions", "id", vec![]).await;
        assert_eq!(deltas.len(), 2, "{name}");
        let order = vec![Order { column: "id".into(), descending: false }];
        let revisions = Query { order, ..query("directus_revisions", &["delta", "data"], vec![]) };
        let rows = store.find_records(&revisions).await.unwrap();
        assert_eq!(shown(&rows[0][0]), r#"{"email":"new@example.com","password":"**********"}"#, "{name}");
        assert_eq!(shown(&rows[1][0]), r#"{"status":"suspended"}"#, "{name}");
        let data: serde_json::Value = serde_json::from_str(&shown(&rows[1][1])).unwrap();
        assert_eq!((&data["id"], &data["password"]), (&ids[0].as_str().into(), &"**********".into()), "{name}");
        assert_eq!((&data["tags"], &data["email_notifications"]), (&serde_json::Value::Null, &true.into()), "{name}");
    }
}

#[tokio::test]
async fn a_step_is_made_whole_or_not_at_all() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        let nobody = "00000000-0000-4000-8000-000000000000";
        let fresh = || create(USERS, &[("email", text("new@example.com")), ("token", text("t"))]);
        let expecting =
            |expectation| Change { expectations: vec![expectation], ..update(&user, &[("title", text("x"))]) };
        for (changes, outcome) in [
            (vec![fresh(), update(nobody, &[])], "superseded"),
            (vec![fresh(), update("no identifier", &[])], "superseded"),
            (vec![fresh(), change(Action::Delete, USERS, Some(nobody), &[])], "superseded"),
            (vec![fresh(), expecting(Expectation::Value(("status".into(), text("invited"))))], "superseded"),
            (vec![fresh(), expecting(Expectation::Value(("email".into(), Value::Null)))], "superseded"),
            (vec![fresh(), expecting(Expectation::PasswordMark(mark(Some("$other"))))], "superseded"),
            (vec![fresh(), fresh()], "taken email new@example.com"),
            (vec![fresh(), create(USERS, &[("email", text("ADMIN@example.com"))])], "taken email ADMIN@example.com"),
            (vec![fresh(), update(&user, &[("token", text("t"))])], "taken token t"),
            (vec![fresh(), change(Action::Create, USERS, Some(&user), &[])], "taken id"),
            (vec![fresh(), update(&user, &[("role", text(nobody))])], "dangling role 00000000"),
            (vec![fresh(), update(&user, &[("role", text("none"))])], "dangling role none"),
        ] {
            let told = match store.write_records(step(changes)).await.unwrap() {
                Written::Done(_) => "done".to_owned(),
                Written::Superseded => "superseded".to_owned(),
                Written::Taken(taken) => format!("taken {} {}", taken.column, taken.value),
                Written::Dangling(taken) => format!("dangling {} {}", taken.column, taken.value),
            };
            assert!(told.starts_with(outcome), "{name}: {told} is not {outcome}");
            assert_eq!(store.count_records(USERS, &[]).await.unwrap(), 1, "{name}: {outcome}");
            assert_eq!(store.count_records("directus_activity", &[]).await.unwrap(), 0, "{name}: {outcome}");
        }
    }
}

#[tokio::test]
async fn expectations_that_are_met_let_a_change_pass() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        let change = Change {
            expectations: vec![
                Expectation::Value(("status".into(), text("active"))),
                Expectation::Value(("tfa_secret".into(), Value::Null)),
                Expectation::Value(("email_notifications".into(), Value::Boolean(true))),
                Expectation::PasswordMark(mark(Some("$hash"))),
            ],
            ..update(&user, &[("tfa_secret", text("S")), ("password", Value::Null)])
        };
        assert_eq!(done(store.as_ref(), vec![change.clone()]).await, std::slice::from_ref(&user), "{name}");
        let again = store.write_records(step(vec![change])).await.unwrap();
        assert!(matches!(again, Written::Superseded), "{name}");
        let unset = Change {
            expectations: vec![Expectation::PasswordMark(mark(None))],
            ..update(&user, &[("password", Value::Null)])
        };
        done(store.as_ref(), vec![unset]).await;
    }
}

#[tokio::test]
async fn one_of_many_equal_steps_is_made() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        let attempt = |number: u32| {
            let (store, user) = (store.clone(), user.clone());
            tokio::spawn(async move {
                let accept = Change {
                    expectations: vec![Expectation::Value(("title".into(), Value::Null))],
                    ..update(&user, &[("title", text(&number.to_string()))])
                };
                let email = create(USERS, &[("email", text(if number.is_multiple_of(2) { "x@y.z" } else { "X@y.z" }))]);
                (
                    store.write_records(step(vec![accept])).await.unwrap(),
                    store.write_records(step(vec![email])).await.unwrap(),
                )
            })
        };
        let (mut accepted, mut made) = (0, 0);
        for each in (0..8).map(attempt).collect::<Vec<_>>() {
            let (accept, email) = each.await.unwrap();
            accepted += u32::from(matches!(accept, Written::Done(_)));
            made += u32::from(matches!(email, Written::Done(_)));
            assert!(matches!(email, Written::Done(_) | Written::Taken(_)), "{name}: {email:?}");
        }
        assert_eq!((accepted, made), (1, 1), "{name}");
    }
}

#[tokio::test]
async fn sessions_end_with_a_step_but_for_a_family() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        begin(store.as_ref(), &token('a', '1')).await;
        begin(store.as_ref(), &token('b', '1')).await;
        store.rotate_session(rotation(&token('a', '1'), &token('a', '2')), NOW).await.unwrap();
        let ending = |except: Option<String>| Step {
            endings: vec![Ending { user: user.clone(), except }],
            ..step(vec![update(&user, &[("title", text("x"))])])
        };
        store.write_records(ending(Some(token('a', '9')))).await.unwrap();
        assert!(store.session(&token('a', '2'), NOW, &mut Seen::default()).await.unwrap().is_some(), "{name}");
        assert!(store.session(&token('b', '1'), NOW, &mut Seen::default()).await.unwrap().is_none(), "{name}");
        let mine = vec![compare("user", Operator::Equal, &[text(&user)])];
        assert_eq!(store.count_records("directus_sessions", &mine).await.unwrap(), 2, "{name}");
        store.write_records(ending(None)).await.unwrap();
        assert_eq!(store.count_records("directus_sessions", &[]).await.unwrap(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_share_has_sessions_of_nobody() {
    for (name, Opened(store, _)) in stores().await {
        let share = [("collection", text("articles")), ("item", text("1"))];
        let share = done(store.as_ref(), vec![create("directus_shares", &share)]).await.remove(0);
        assert_eq!(store.share_password(&share).await.unwrap(), Some(None), "{name}");
        let session = NewSession {
            token: token('s', '1'),
            user: None,
            share: Some(share.clone()),
            expires_at_ms: NOW + HOUR,
            client: client(),
            source: None,
            parting_data: None,
        };
        store.begin_session(session, NOW).await.unwrap();
        let rotated = store.rotate_session(rotation(&token('s', '1'), &token('s', '2')), NOW).await.unwrap();
        assert!(matches!(rotated, Rotated::Done), "{name}");
        let found = store.session(&token('s', '2'), NOW, &mut Seen::default()).await.unwrap().unwrap();
        assert!(found.user.is_none() && found.share == Some(share), "{name}");
        let logins = [compare("action", Operator::Equal, &[text("login")])];
        assert_eq!(store.count_records("directus_activity", &logins).await.unwrap(), 0, "{name}");
        assert!(store.end_session(&token('s', '1'), client(), NOW).await.unwrap(), "{name}");
    }
}

#[tokio::test]
async fn settings_and_permissions_are_written_too() {
    for (name, Opened(store, _)) in stores().await {
        let values = [("project_url", text("https://example.com")), ("auth_login_attempts", Value::Null)];
        let settings = change(Action::Update, "directus_settings", Some("1"), &values);
        let policy = column(store.as_ref(), "directus_policies", "id", vec![]).await.remove(0);
        let permission = create(
            "directus_permissions",
            &[
                ("policy", text(&policy)),
                ("collection", text("directus_users")),
                ("action", text("read")),
                ("fields", text("id,email")),
                ("permissions", Value::Json("{\"id\":{\"_eq\":\"$CURRENT_USER\"}}".into())),
            ],
        );
        let ids = done(store.as_ref(), vec![settings, permission]).await;
        assert_eq!(ids[0], "1", "{name}");
        assert!(ids[1].parse::<u32>().is_ok(), "{name}");
        let permissions = store.permissions(&[policy], "directus_users", "read", &mut Seen::default()).await.unwrap();
        assert_eq!(permissions[0].fields, ["id", "email"], "{name}");
        assert_eq!(permissions[0].filter.as_deref(), Some("{\"id\":{\"_eq\":\"$CURRENT_USER\"}}"), "{name}");
        let found = column(store.as_ref(), "directus_settings", "project_url", vec![]).await;
        assert_eq!(found, ["https://example.com"], "{name}");
    }
}

#[tokio::test]
async fn nonsense_is_refused_and_spoils_nothing() {
    for (name, Opened(store, _)) in stores().await {
        let user = admin(store.as_ref()).await;
        let hash = Assignment { column: "password".into(), input: Input::PasswordHash(7) };
        for change in [
            create("directus_sessions", &[]),
            create("directus_activity", &[]),
            create("directus_settings", &[]),
            create("nope", &[]),
            create(USERS, &[("nope", Value::Null)]),
            create(USERS, &[("tags", Value::Json("{".into()))]),
            create(USERS, &[("id", text(&user))]),
            change(Action::Update, USERS, None, &[]),
            Change { assignments: vec![hash], ..update(&user, &[]) },
            Change { expectations: vec![Expectation::PasswordMark(String::new())], ..create(USERS, &[]) },
        ] {
            assert!(store.write_records(step(vec![change.clone()])).await.is_err(), "{name}: {change:?}");
        }
        assert!(store.find_records(&query("directus_sessions", &["user"], vec![])).await.is_err(), "{name}");
        assert!(store.find_records(&query(USERS, &["email\" --"], vec![])).await.is_err(), "{name}");
        assert_eq!(store.count_records(USERS, &[]).await.unwrap(), 1, "{name}");
    }
}
