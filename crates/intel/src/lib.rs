
pub mod likelihood;
mod likelihood_table;
