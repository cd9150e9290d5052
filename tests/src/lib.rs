//! What the tests of the whole are made of.

pub mod broker;
pub mod certificates;
pub mod data;
pub mod elasticsearch;
pub mod exposition;
pub mod files;
pub mod http;
pub mod kafka;
pub mod laws;
pub mod mariadb;
pub mod mongo;
pub mod place;
pub mod prove;
pub mod proxy;
pub mod stand_in;
pub mod swaps;
pub mod tamis;
pub mod tls;
pub mod tmux;
pub mod versions;
pub mod wait;
