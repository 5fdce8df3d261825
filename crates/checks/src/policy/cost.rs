//! What an expression costs at most, before it runs: the interpreter has no meter. Comes in: a tree, how long the lists are
//! that it can see. Goes out: nodes that are evaluated. Never: a smaller number than the truth for lists that have names.

use kube_cel::cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use std::collections::BTreeMap;

/// How many items lists and maps have at most.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    /// All of them.
    pub most: u64,
    /// Those that are the value of a field or variable of this name.
    pub by: BTreeMap<String, u64>,
}

impl Sizes {
    pub fn hold(&mut self, name: Option<&str>, items: usize) {
        let items = items as u64;
        self.most = self.most.max(items);
        let Some(name) = name else { return };
        if let Some(known) = self.by.get_mut(name) {
            *known = items.max(*known);
        } else {
            self.by.insert(name.to_owned(), items);
        }
    }

    pub fn join(&mut self, other: &Sizes) {
        self.most = self.most.max(other.most);
        for (name, items) in &other.by {
            self.hold(Some(name), usize::try_from(*items).unwrap_or(usize::MAX));
        }
    }
}

/// What is known of the sizes of lists while a tree is walked.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    items: u64,
    /// Lists within lists have so many times fewer.
    shrink: u64,
    by: Option<&'a BTreeMap<String, u64>>,
}

impl<'a> Bound<'a> {
    /// Lists within lists are as long as those around them.
    pub(super) fn of(sizes: &'a Sizes, by_name: bool) -> Self {
        Bound {
            items: sizes.most.max(1),
            shrink: 1,
            by: by_name.then_some(&sizes.by),
        }
    }

    pub(super) fn likely(items: u64) -> Self {
        Bound {
            items: items.max(1),
            shrink: 2,
            by: None,
        }
    }

    /// Items that the value of a node has at most.
    fn items_of(&self, node: &IdedExpr) -> u64 {
        let named = |name: &str| {
            let known = self.by.map(|by| by.get(name).copied().unwrap_or(0));
            known.unwrap_or(self.items).min(self.items)
        };
        match &node.expr {
            Expr::List(list) => list.elements.len() as u64,
            Expr::Literal(_) => 1,
            Expr::Select(select) => named(&select.field),
            // `filter` and `map` give no more than they see.
            Expr::Comprehension(over) => self.items_of(&over.iter_range),
            Expr::Call(call) => match (&*call.func_name, &*call.args) {
                (operators::CONDITIONAL, [_, yes, no]) => self.items_of(yes).max(self.items_of(no)),
                ("orValue", [other]) => call.target.as_ref().map_or(self.items, |target| {
                    self.items_of(target).max(self.items_of(other))
                }),
                (operators::OPT_SELECT, [_, field]) => match &field.expr {
                    Expr::Literal(LiteralValue::String(name)) => named(name.inner()),
                    _ => self.items,
                },
                (operators::ADD, [left, right]) => {
                    self.items_of(left).saturating_add(self.items_of(right))
                }
                _ => self.items,
            },
            _ => self.items,
        }
    }

    /// Nodes that are evaluated.
    pub(super) fn cost(&self, node: &IdedExpr) -> u64 {
        let all = |nodes: &mut dyn Iterator<Item = &IdedExpr>| {
            nodes.fold(0u64, |sum, node| sum.saturating_add(self.cost(node)))
        };
        let inner = match &node.expr {
            Expr::Select(select) => self.cost(&select.operand),
            Expr::Call(call) => {
                // Comparisons and searches look at what lists and maps hold; a scalar literal holds nothing.
                let scans = matches!(
                    &*call.func_name,
                    operators::EQUALS
                        | operators::NOT_EQUALS
                        | operators::IN
                        | "matches"
                        | "join"
                        | "split"
                );
                let literal = call.args.iter().filter_map(literal_items).min();
                let own = if scans {
                    literal.unwrap_or(self.items).min(self.items)
                } else {
                    0
                };
                let target = call.target.iter().map(|target| &**target);
                own.saturating_add(all(&mut target.chain(&call.args)))
            }
            Expr::List(list) => all(&mut list.elements.iter()),
            Expr::Map(map) => map.entries.iter().fold(0u64, |sum, entry| {
                let own = match &entry.expr {
                    EntryExpr::MapEntry(entry) => self
                        .cost(&entry.key)
                        .saturating_add(self.cost(&entry.value)),
                    EntryExpr::StructField(field) => self.cost(&field.value),
                };
                sum.saturating_add(own)
            }),
            Expr::Comprehension(over) => {
                let once = all(&mut [&over.iter_range, &over.accu_init, &over.result].into_iter());
                let literal = literal_items(&over.iter_range);
                let inner = Bound {
                    items: if literal.is_some() {
                        self.items
                    } else {
                        self.items.div_ceil(self.shrink)
                    },
                    ..*self
                };
                let each = inner
                    .cost(&over.loop_cond)
                    .saturating_add(inner.cost(&over.loop_step));
                once.saturating_add(each.saturating_mul(self.items_of(&over.iter_range)))
            }
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) | Expr::Struct(_) => 0,
        };
        inner.saturating_add(1)
    }
}

fn literal_items(node: &IdedExpr) -> Option<u64> {
    match &node.expr {
        Expr::List(list) => Some(list.elements.len() as u64),
        Expr::Literal(_) => Some(1),
        _ => None,
    }
}
