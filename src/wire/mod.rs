//! Kubernetes objects as they are sent: the fields this program reads, and no others.
//!
//! Each struct is decoded from protobuf (what the API server sends fastest), from JSON and from YAML alike, and turned
//! into the model at once. Fields that are not named here are skipped while decoding; that, and never holding more
//! than one page, keeps thousands of objects cheap. Field numbers are those of the `generated.proto` files of
//! k8s.io/api and k8s.io/apimachinery; they never change within an API version.

mod meta;
mod pod;
mod scalar;
mod scrub;
mod storage;
mod surroundings;
mod workload;

use bytes::Bytes;
use k8s_openapi::Resource;
use prost::Message;
use serde::Deserialize;
use serde_json::Value;

use crate::model::Snapshot;

pub(crate) use meta::LAST_APPLIED;
pub(crate) use pod::Pod;
pub(crate) use scalar::parse_bytes;
pub(crate) use scrub::scrub;
pub(crate) use storage::{Claim, StorageClass, Volume};
pub(crate) use surroundings::{Autoscaler, Budget, EndpointSlice, Event, Node, Service};
pub(crate) use workload::StatefulSet;

/// An object that can be decoded and put into a snapshot.
pub(crate) trait Object: Message + Default + for<'de> Deserialize<'de> {
    /// The type that knows the object's group, version, kind and path.
    type Api: Resource;

    /// Turns the object into the model's.
    fn store(self, snapshot: &mut Snapshot);
}

/// A message of which only the presence matters.
#[derive(Clone, PartialEq, Eq, Message, Deserialize)]
struct Ignored {}

/// Tells apart what was given from the empty string that protobuf sends for nothing.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Turns decoded elements into the model's. Decoding leaves room for elements that may follow; kept in ten thousand
/// objects, that room would be a third of all memory.
fn exactly<Sent, Kept: From<Sent>>(sent: Vec<Sent>) -> Vec<Kept> {
    let mut kept: Vec<Kept> = sent.into_iter().map(Into::into).collect();
    kept.shrink_to_fit();
    kept
}

/// What is wrong with a list or an object that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// The answer does not begin as Kubernetes' protobuf does.
    #[error("the answer is not what the API server sends (no protobuf envelope)")]
    Envelope,
    /// The bytes end early or mean nothing.
    #[error("the answer is cut off or damaged: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// A JSON or YAML object has a field of another type than Kubernetes gives it.
    #[error("{0}")]
    Field(String),
}

/// What every protobuf answer of an API server begins with.
const MAGIC: &[u8] = b"k8s\0";

/// The envelope of every protobuf answer.
#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
}

/// Any list: all kinds number these fields alike. Items stay undecoded, so one bad item cannot hide the others.
#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ListMeta>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    items: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    #[prost(string, tag = "3")]
    #[serde(rename = "continue")]
    rest: String,
}

/// An error as the API server reports it.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Status {
    #[prost(string, tag = "3")]
    pub(crate) message: String,
    #[prost(string, tag = "4")]
    pub(crate) reason: String,
    #[prost(int32, tag = "6")]
    pub(crate) code: i32,
}

fn unwrap_envelope(mut body: Bytes) -> Result<Bytes, Malformed> {
    if !body.starts_with(MAGIC) {
        return Err(Malformed::Envelope);
    }
    Ok(Envelope::decode(body.split_off(MAGIC.len()))?.raw)
}

/// Takes one page of a list in protobuf apart: its items, and the token of the next page if there is one.
///
/// # Errors
/// When the page as a whole cannot be read.
pub(crate) fn open_protobuf_page(body: Bytes) -> Result<(Vec<Bytes>, Option<String>), Malformed> {
    let list = List::decode(unwrap_envelope(body)?)?;
    Ok((list.items, list.metadata.and_then(|metadata| given(metadata.rest))))
}

/// Decodes one item of a page into the snapshot.
///
/// # Errors
/// When its bytes mean nothing.
pub(crate) fn read_protobuf<T: Object>(item: Bytes, snapshot: &mut Snapshot) -> Result<(), Malformed> {
    T::decode(item)?.store(snapshot);
    Ok(())
}

/// Decodes the error that a server sent, in whichever format.
pub(crate) fn read_status(body: &Bytes) -> Option<Status> {
    match unwrap_envelope(body.clone()) {
        Ok(raw) => Status::decode(raw).ok(),
        Err(_) => serde_json::from_slice(body).ok(),
    }
}

/// Decodes one JSON object into the snapshot.
///
/// # Errors
/// When a field has another type than Kubernetes gives it.
pub(crate) fn read_json<T: Object>(mut object: Value, snapshot: &mut Snapshot) -> Result<(), Malformed> {
    drop_nulls(&mut object);
    let object = T::deserialize(object).map_err(|error| Malformed::Field(error.to_string()))?;
    object.store(snapshot);
    Ok(())
}

/// The API means the same by `null` and by nothing.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Decodes one JSON object of any kind that a snapshot holds; `None` for kinds that it does not.
///
/// # Errors
/// When a field has another type than Kubernetes gives it.
pub(crate) fn read_any(object: Value, snapshot: &mut Snapshot) -> Option<Result<(), Malformed>> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let api_version = text("apiVersion");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Some(match (group, text("kind").as_str()) {
        ("apps", "StatefulSet") => read_json::<StatefulSet>(object, snapshot),
        ("", "Pod") => read_json::<Pod>(object, snapshot),
        ("", "PersistentVolumeClaim") => read_json::<Claim>(object, snapshot),
        ("", "PersistentVolume") => read_json::<Volume>(object, snapshot),
        ("storage.k8s.io", "StorageClass") => read_json::<StorageClass>(object, snapshot),
        ("", "Node") => read_json::<Node>(object, snapshot),
        ("policy", "PodDisruptionBudget") => read_json::<Budget>(object, snapshot),
        ("autoscaling", "HorizontalPodAutoscaler") => read_json::<Autoscaler>(object, snapshot),
        ("", "Service") => read_json::<Service>(object, snapshot),
        ("discovery.k8s.io", "EndpointSlice") => read_json::<EndpointSlice>(object, snapshot),
        ("" | "events.k8s.io", "Event") => read_json::<Event>(object, snapshot),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
