//! Sums of prices. Pure functions, so their tests need nothing.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use shop_api::{Item, Report, Sale};

/// Returns what was sold by an item. `None` if its price is out of range.
pub(super) fn sale(item: Item) -> Option<Sale> {
    let amount = item.price.checked_mul(item.pieces.into())?;
    Some(Sale { sku: item.sku, pieces: item.pieces, amount })
}

/// Returns the sum of all items. `None` if it is out of range.
pub(super) fn total(items: &[Item]) -> Option<Decimal> {
    items.iter().try_fold(Decimal::ZERO, |sum, item| sum.checked_add(item.price.checked_mul(item.pieces.into())?))
}

/// Sums up sales by product, the largest amount first.
pub(super) fn summarize(sales: Vec<Sale>) -> Report {
    let mut revenue = Decimal::ZERO;
    let mut products = BTreeMap::<String, (u32, Decimal)>::new();
    for Sale { sku, pieces, amount } in sales {
        revenue = revenue.saturating_add(amount);
        let (all, sum) = products.entry(sku).or_default();
        *all = all.saturating_add(pieces);
        *sum = sum.saturating_add(amount);
    }
    let rows = products.into_iter().map(|(sku, (pieces, amount))| Sale { sku, pieces, amount });
    let mut products: Vec<_> = rows.collect();
    // Stable, so that equal amounts stay in the order of their numbers.
    products.sort_by_key(|sale| std::cmp::Reverse(sale.amount));
    Report { revenue, products }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sold(sku: &str, pieces: u32, cents: i64) -> Sale {
        Sale { sku: sku.to_owned(), pieces, amount: Decimal::new(cents, 2) }
    }

    #[test]
    fn sales_are_summed_up_by_product() {
        let report =
            summarize(vec![sold("tea", 2, 500), sold("cake", 1, 320), sold("jam", 1, 320), sold("tea", 1, 250)]);
        assert_eq!(report.revenue, Decimal::new(1390, 2));
        assert_eq!(report.products, [sold("tea", 3, 750), sold("cake", 1, 320), sold("jam", 1, 320)]);
    }

    #[test]
    fn a_total_beyond_any_price_is_none() {
        let item = |price| Item { sku: "gold".to_owned(), name: "Gold".to_owned(), pieces: 2, price };
        assert_eq!(total(&[item(Decimal::ONE), item(Decimal::TEN)]), Some(Decimal::from(22)));
        assert_eq!(total(&[item(Decimal::MAX)]), None);
        assert_eq!(total(&[item(Decimal::MAX / Decimal::TWO), item(Decimal::ONE)]), None);
    }
}
