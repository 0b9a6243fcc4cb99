//! The database: opened and brought up to date by each service that has tables in it.

use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// The steps from an empty database to the present one. Only ever append: a step that has run
/// somewhere never changes.
const STEPS: &[&str] = &[include_str!("schema/1_products_and_orders.sql")];

/// How long a writer waits for another one, and whoever opens the database for others who do.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause before the next attempt to open a database that others are opening.
const PAUSE: Duration = Duration::from_millis(10);

/// The code of SQLite for a database that is locked, without the reason in its upper bits.
const SQLITE_BUSY: u32 = 5;

/// Connections for each service. SQLite has one writer at a time; the others read.
const CONNECTIONS: u32 = 4;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be opened, or a step of the migration failed.
    #[error("the database {url} cannot be opened: {cause}")]
    Open {
        /// The setting `database_url`.
        url: String,
        /// What SQLite says.
        cause: sqlx::Error,
    },
    /// A newer version of the program has used it.
    #[error("the database {url} has version {found}, and this program knows {known}: run a newer program")]
    Newer {
        /// The setting `database_url`.
        url: String,
        /// The version of the database.
        found: usize,
        /// The number of steps.
        known: usize,
    },
}

/// Opens the database, makes it if there is none, and runs the steps that it lacks.
///
/// # Errors
/// If it cannot be opened, or is newer than this program.
pub async fn connect(url: &str) -> Result<SqlitePool, DatabaseError> {
    let open_error = |cause| DatabaseError::Open { url: url.to_owned(), cause };
    let pool = open(url).await.map_err(open_error)?;
    match migrate(&pool).await.map_err(open_error)? {
        found if found > STEPS.len() => Err(DatabaseError::Newer { url: url.to_owned(), found, known: STEPS.len() }),
        _ => Ok(pool),
    }
}

async fn open(url: &str) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An order that was acknowledged survives a power cut as well.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    let give_up_at = Instant::now() + BUSY_TIMEOUT;
    loop {
        // A new database is switched to WAL by whoever opens it first. To others who open it at
        // that moment, SQLite says that it is locked, and does not wait for their timeout.
        match SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options.clone()).await {
            Err(error) if is_locked(&error) && Instant::now() < give_up_at => tokio::time::sleep(PAUSE).await,
            opened => return opened,
        }
    }
}

fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// Runs the steps that the database lacks, and returns the version that it had before.
async fn migrate(pool: &SqlitePool) -> Result<usize, sqlx::Error> {
    // Immediate: of the services that start at the same time, one migrates and the others wait.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let version: u32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let version = version as usize;
    if version < STEPS.len() {
        for step in &STEPS[version..] {
            sqlx::raw_sql(step).execute(&mut *transaction).await?;
        }
        let mark = format!("PRAGMA user_version = {}", STEPS.len());
        sqlx::raw_sql(&mark).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_database_can_be_opened_by_many_at_once() {
        for _ in 0..10 {
            let directory = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", directory.path().join("shop.db").display());
            let opened = futures::future::join_all((0..8).map(|_| connect(&url))).await;
            assert!(opened.iter().all(Result::is_ok), "{opened:?}");
        }
    }

    #[tokio::test]
    async fn a_database_is_migrated_once_and_a_newer_one_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("shop.db").display());
        let (first, second) = tokio::join!(connect(&url), connect(&url));
        let (first, second) = (first.unwrap(), second.unwrap());
        sqlx::query("INSERT INTO products VALUES ('tea', 'Tea', '3')").execute(&first).await.unwrap();
        let count: u32 = sqlx::query_scalar("SELECT count(*) FROM products").fetch_one(&second).await.unwrap();
        assert_eq!(count, 1);

        sqlx::raw_sql("PRAGMA user_version = 99").execute(&first).await.unwrap();
        let error = connect(&url).await.unwrap_err().to_string();
        assert!(error.ends_with("has version 99, and this program knows 1: run a newer program"), "{error}");
    }
}
