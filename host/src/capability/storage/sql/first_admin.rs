//! The rows that Directus's own first start makes: a public policy, a role and a policy of administrators, the account.

use super::{Change, Connection, Dialect, Failure, Statement, users};
use async_trait::async_trait;
use uuid::Uuid;

/// Makes the first account, unless there is one.
pub(crate) struct CreateFirstAdmin {
    pub(crate) email: String,
    pub(crate) password_hash: String,
    pub(crate) static_token: Option<String>,
}

#[async_trait]
impl Change for CreateFirstAdmin {
    type Output = bool;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<bool, Failure> {
        if connection.dialect() == Dialect::Postgres {
            // Hosts that start together each find no account; here they come one by one.
            connection.script("LOCK TABLE directus_users IN SHARE ROW EXCLUSIVE MODE").await?;
        }
        if users::any(connection).await? {
            return Ok(false);
        }
        insert_public_policy(connection).await?;
        let role = insert_administrators(connection).await?;
        let statement = Statement::new(
            "INSERT INTO directus_users (id, first_name, last_name, email, password, role, token, status) \
             VALUES ($1, 'Admin', 'User', $2, $3, $4, $5, 'active')",
        );
        let statement = statement.bind(new_id()).bind(&self.email).bind(&self.password_hash);
        connection.run(&statement.bind(role).bind(self.static_token.as_deref())).await?;
        Ok(true)
    }
}

async fn insert_public_policy(connection: &mut dyn Connection) -> Result<(), Failure> {
    let policy = new_id();
    let statement = "INSERT INTO directus_policies (id, name, icon) VALUES ($1, '$t:public_label', 'public')";
    connection.run(&Statement::new(statement).bind(&policy)).await?;
    let statement = "INSERT INTO directus_access (id, policy, sort) VALUES ($1, $2, 1)";
    connection.run(&Statement::new(statement).bind(new_id()).bind(policy)).await?;
    Ok(())
}

/// A role with a policy that allows everything; the role's id.
async fn insert_administrators(connection: &mut dyn Connection) -> Result<String, Failure> {
    let (role, policy) = (new_id(), new_id());
    let statement = "INSERT INTO directus_roles (id, name, icon) VALUES ($1, 'Administrator', 'verified')";
    connection.run(&Statement::new(statement).bind(&role)).await?;
    let statement = "INSERT INTO directus_policies (id, name, icon, admin_access, app_access) \
                     VALUES ($1, 'Administrator', 'verified', TRUE, TRUE)";
    connection.run(&Statement::new(statement).bind(&policy)).await?;
    let statement = "INSERT INTO directus_access (id, role, policy) VALUES ($1, $2, $3)";
    connection.run(&Statement::new(statement).bind(new_id()).bind(&role).bind(policy)).await?;
    Ok(role)
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}
