//! Keys that are kept, sealed: a name and a text that says nothing to whoever reads it.

use super::{Change, Connection, Failure, Statement};
use async_trait::async_trait;

/// The key of a name.
pub(crate) async fn read(connection: &mut dyn Connection, name: &str) -> Result<Option<String>, Failure> {
    let statement = Statement::new("SELECT sealed FROM gatewit_keys WHERE name = $1");
    connection.row(&statement.bind(name)).await?.map(|mut row| row.text()).transpose()
}

/// Keeps a key, if what is there is still what is expected. Whether it was.
pub(crate) struct Keep {
    pub(crate) name: String,
    pub(crate) expected: Option<String>,
    pub(crate) sealed: String,
}

#[async_trait]
impl Change for Keep {
    type Output = bool;

    async fn apply(&self, connection: &mut dyn Connection) -> Result<bool, Failure> {
        let statement = match &self.expected {
            None => {
                Statement::new("INSERT INTO gatewit_keys (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            }
            Some(_) => Statement::new("UPDATE gatewit_keys SET sealed = $2 WHERE name = $1 AND sealed = $3"),
        };
        let statement = statement.bind(&self.name).bind(&self.sealed);
        let statement = match &self.expected {
            None => statement,
            Some(expected) => statement.bind(expected),
        };
        Ok(connection.run(&statement).await? > 0)
    }
}
