//! Registries: Debian's `docker-registry` on loopback, open, with passwords, with tokens and with TLS, and a proxy of our
//! own before it that misbehaves.
#![allow(clippy::match_bool, clippy::single_match_else)] // what a proxy does reads as a table
#![allow(clippy::print_stderr, clippy::format_push_string)] // skipped tests say so; small heads

mod faults;
mod lists;
mod logins;
mod proxy;
mod pulls;

use crate::tarball::Tarball;
use image::Image;
use image::digest::sha256;
use image::registry::{Client, Environment, Options, RegistryError};
use model::image::ImageReference;
use std::io::{self, Read as _};
use std::time::Duration;

/// Quick to give up, and without anything of this machine.
pub(crate) fn options(insecure: &[&str]) -> Options {
    Options {
        insecure: insecure.iter().map(|one| (*one).to_owned()).collect(),
        environment: Environment::default(),
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(5),
        patience: Duration::from_secs(5),
        attempts: 3,
        ..Options::default()
    }
}

pub(crate) fn client(insecure: &[&str]) -> Client {
    Client::new(&options(insecure)).unwrap()
}

pub(crate) fn reference(text: &str) -> ImageReference {
    ImageReference::parse(text).unwrap()
}

/// A layer with one file of a size; its content is like that of no other seed and does not compress.
pub(crate) fn layer(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let content: Vec<u8> = (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect();
    Tarball::new().file(&format!("data/{seed}"), content).end()
}

/// The bytes of all layers as they are stored.
pub(crate) fn layers(image: &Image) -> io::Result<Vec<Vec<u8>>> {
    let read = |layer: &image::LayerSource| {
        let mut bytes = Vec::new();
        layer.open.open()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    image.layers.iter().map(read).collect()
}

/// Reads all layers and compares them with what the manifest says of them.
pub(crate) fn whole(image: &Image) {
    for (bytes, layer) in layers(image).unwrap().iter().zip(&image.layers) {
        assert_eq!(Some(&*sha256(bytes)), layer.digest.as_deref());
    }
}

pub(crate) fn told<T: std::fmt::Debug>(result: Result<T, RegistryError>) -> String {
    result.unwrap_err().told()
}
