//! An upload of any length, of which no more than a line is in memory.

use actix_web::error::{ErrorBadRequest, ErrorPayloadTooLarge, ErrorUnprocessableEntity};
use actix_web::{HttpResponse, Result, web};
use callbox::client::ClientError;
use futures::StreamExt;
use serde_json::json;
use shop_api::{CatalogClient, CatalogError, Product};

use crate::access::Staff;
use crate::config::ShopConfig;

/// Maximum length of a line, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// Takes products, one JSON object a line, and puts each into the catalog as it arrives. A mistake
/// ends the upload with the number of its line; what came before stays, and may be sent again.
///
/// callbox does not limit bodies of routes of one's own, so this one does: by the setting
/// `upload_limit`.
pub(crate) async fn products(
    staff: Staff,
    config: web::Data<ShopConfig>,
    catalog: CatalogClient,
    mut body: web::Payload,
) -> Result<HttpResponse> {
    let catalog = catalog.as_caller(staff.with_scope("catalog:write")?);
    let mut lines = Lines::default();
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        size += chunk.len();
        if size > config.upload_limit {
            let limit = config.upload_limit;
            return Err(ErrorPayloadTooLarge(format!("an upload has at most {limit} bytes: send several")));
        }
        lines.rest.extend_from_slice(&chunk);
        while let Some(line) = lines.next()? {
            put(&catalog, lines.number, &line).await?;
        }
    }
    if !lines.rest.is_empty() {
        put(&catalog, lines.number + 1, &lines.rest).await?;
    }
    Ok(HttpResponse::Ok().json(json!({ "bytes": size })))
}

/// The lines of a body that comes in pieces.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    /// The number of the last whole line.
    number: usize,
}

impl Lines {
    /// Returns the next whole line that has arrived.
    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        if end.unwrap_or(self.rest.len()) > LONGEST_LINE {
            let number = self.number + 1;
            return Err(ErrorBadRequest(format!("line {number} has more than {LONGEST_LINE} bytes")));
        }
        let Some(end) = end else { return Ok(None) };
        let rest = self.rest.split_off(end + 1);
        self.number += 1;
        Ok(Some(std::mem::replace(&mut self.rest, rest)))
    }
}

async fn put(catalog: &CatalogClient, number: usize, line: &[u8]) -> Result<()> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(());
    }
    let product: Product =
        serde_json::from_slice(line).map_err(|error| ErrorBadRequest(format!("line {number}: {error}")))?;
    match catalog.put(product).await {
        Err(ClientError::Method(CatalogError::NegativePrice)) => {
            Err(ErrorUnprocessableEntity(format!("line {number}: a price is not negative")))
        }
        put => Ok(put?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_wherever_the_pieces_of_the_body_end() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in [&b"one\ntw"[..], b"o\n\nth", b"ree"] {
            lines.rest.extend_from_slice(piece);
            while let Some(line) = lines.next().unwrap() {
                found.push((lines.number, String::from_utf8(line).unwrap()));
            }
        }
        assert_eq!(found, [(1, "one\n".to_owned()), (2, "two\n".to_owned()), (3, "\n".to_owned())]);
        assert_eq!(lines.rest, b"three");
    }

    #[test]
    fn a_line_without_an_end_is_not_collected_forever() {
        let mut lines = Lines { rest: vec![b'x'; LONGEST_LINE], number: 6 };
        assert_eq!(lines.next().unwrap(), None);
        lines.rest.push(b'x');
        assert_eq!(lines.next().unwrap_err().to_string(), "line 7 has more than 65536 bytes");
    }
}
