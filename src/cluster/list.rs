//! Reading lists, page by page.

use bytes::Bytes;
use k8s_openapi::Resource;
use serde_json::Value;

use super::{Cluster, ClusterError, JSON, METADATA, PROTOBUF};
use crate::model::{Namespace, Snapshot};
use crate::wire::{self, Malformed, Object};

/// How many objects are asked for at once: large enough that round trips do not count, small enough that a page stays
/// below a few megabytes. Pods with their managedFields have 6 KB in protobuf, claims and volumes a quarter of that.
fn page_size<K: Resource>() -> u32 {
    match K::KIND {
        "PersistentVolumeClaim" | "PersistentVolume" | "Service" | "PodDisruptionBudget" | "Event" => 2000,
        _ => 500,
    }
}

/// How often a list is begun anew when the server forgets its place in it.
const RESTARTS: u32 = 2;

/// Which namespaces are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every namespace.
    All,
    /// One namespace.
    One(Namespace),
}

impl Scope {
    /// Tells whether objects of `namespace` are read.
    #[must_use]
    pub fn covers(&self, namespace: &Namespace) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == namespace,
        }
    }
}

/// Which objects of a list are sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter<'a> {
    /// A label selector.
    pub(crate) labels: Option<&'a str>,
    /// A field selector.
    pub(crate) fields: Option<&'a str>,
}

/// One page of a list, and the token of the next.
pub(crate) struct Page<T> {
    pub(crate) content: T,
    pub(crate) rest: Option<String>,
}

impl Cluster {
    /// Reads all objects of a kind into the snapshot; gives what was wrong with those that could not be read.
    pub(crate) async fn list<T: Object>(
        &self,
        scope: &Scope,
        filter: Filter<'_>,
        snapshot: &mut Snapshot,
    ) -> Result<Vec<Malformed>, ClusterError> {
        let mut accept = PROTOBUF;
        let mut restarts = 0;
        loop {
            match self.list_once::<T>(scope, filter, accept).await {
                Ok((part, bad)) => {
                    snapshot.absorb(part);
                    return Ok(bad);
                }
                Err(ClusterError::Server { code: 406, .. }) if accept == PROTOBUF => accept = JSON,
                Err(ClusterError::Expired) if restarts < RESTARTS => restarts += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a list from its beginning to its end. While one page is decoded on another thread, the server makes the
    /// next.
    async fn list_once<T: Object>(
        &self,
        scope: &Scope,
        filter: Filter<'_>,
        accept: &'static str,
    ) -> Result<(Snapshot, Vec<Malformed>), ClusterError> {
        let mut part = Snapshot::default();
        let mut bad = Vec::new();
        let mut next = Some(self.page::<T::Api>(scope, filter, None, accept).await?);
        while let Some(body) = next.take() {
            let Page { content, rest } = open(&body).map_err(|why| self.foreign(&action::<T::Api>(), why))?;
            drop(body);
            let read = async {
                match &rest {
                    Some(rest) => self.page::<T::Api>(scope, filter, Some(rest), accept).await.map(Some),
                    None => Ok(None),
                }
            };
            let (decoded, read) = tokio::join!(tokio::task::spawn_blocking(|| decode::<T>(content)), read);
            let (objects, malformed) = decoded.map_err(|error| ClusterError::Malformed(error.to_string()))?;
            part.absorb(objects);
            bad.extend(malformed);
            next = read?;
        }
        Ok((part, bad))
    }

    /// Reads one page of objects as they are, in JSON.
    pub(crate) async fn list_values<K: Resource>(
        &self,
        scope: &Scope,
        filter: Filter<'_>,
        rest: Option<&str>,
    ) -> Result<Page<Vec<Value>>, ClusterError> {
        let body = self.page::<K>(scope, filter, rest, JSON).await?;
        let (items, rest) = json_items(&body).map_err(|why| self.foreign(&action::<K>(), why))?;
        Ok(Page { content: items.into_iter().map(|item| with_kind::<K>(item)).collect(), rest })
    }

    async fn page<K: Resource>(
        &self,
        scope: &Scope,
        filter: Filter<'_>,
        rest: Option<&str>,
        accept: &'static str,
    ) -> Result<Bytes, ClusterError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &page_size::<K>().to_string());
        let pairs = [("labelSelector", filter.labels), ("fieldSelector", filter.fields), ("continue", rest)];
        for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            query.append_pair(name, value);
        }
        let path = format!("{}?{}", path::<K>(scope), query.finish());
        self.get(&path, accept, &action::<K>()).await
    }

    /// Reads the names of a kind's objects; at most one page of them.
    pub(crate) async fn names<K: Resource>(&self, scope: &Scope) -> Result<Vec<String>, ClusterError> {
        let body = self.page::<K>(scope, Filter::default(), None, METADATA).await?;
        let (items, _) = json_items(&body).map_err(|why| self.foreign(&action::<K>(), why))?;
        let name = |item: &Value| Some(item.pointer("/metadata/name")?.as_str()?.to_owned());
        Ok(items.iter().filter_map(name).collect())
    }
}

/// Makes the path of a list. Kinds that live outside namespaces are always read whole.
fn path<K: Resource>(scope: &Scope) -> String {
    let root = if K::GROUP.is_empty() { format!("/api/{}", K::VERSION) } else { format!("/apis/{}", K::API_VERSION) };
    match scope {
        Scope::One(namespace) if is_namespaced::<K>() => {
            format!("{root}/namespaces/{namespace}/{}", K::URL_PATH_SEGMENT)
        }
        Scope::One(_) | Scope::All => format!("{root}/{}", K::URL_PATH_SEGMENT),
    }
}

fn is_namespaced<K: Resource>() -> bool {
    !matches!(K::KIND, "Namespace" | "Node" | "PersistentVolume" | "StorageClass")
}

/// Names what is done, for messages.
fn action<K: Resource>() -> String {
    format!("list {}", K::URL_PATH_SEGMENT)
}

/// The objects of a page, not decoded yet.
enum Items {
    Protobuf(Vec<Bytes>),
    Json(Vec<Value>),
}

/// Takes a page apart, or says why the whole is not a page.
fn open(body: &Bytes) -> Result<Page<Items>, String> {
    if body.first() == Some(&b'{') {
        let (items, rest) = json_items(body)?;
        return Ok(Page { content: Items::Json(items), rest });
    }
    let (items, rest) = wire::open_protobuf_page(body.clone())
        .map_err(|error| if looks_like_a_web_page(body) { "a web page".to_owned() } else { error.to_string() })?;
    Ok(Page { content: Items::Protobuf(items), rest })
}

/// Decodes the objects of a page; gives also what was wrong with single ones.
fn decode<T: Object>(items: Items) -> (Snapshot, Vec<Malformed>) {
    let mut snapshot = Snapshot::default();
    let bad = match items {
        Items::Protobuf(items) => {
            items.into_iter().filter_map(|item| wire::read_protobuf::<T>(item, &mut snapshot).err()).collect()
        }
        Items::Json(items) => {
            items.into_iter().filter_map(|item| wire::read_json::<T>(item, &mut snapshot).err()).collect()
        }
    };
    (snapshot, bad)
}

fn looks_like_a_web_page(body: &Bytes) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

fn json_items(body: &Bytes) -> Result<(Vec<Value>, Option<String>), String> {
    let mut list: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    let rest = list.pointer("/metadata/continue").and_then(Value::as_str).filter(|token| !token.is_empty());
    let rest = rest.map(str::to_owned);
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok((items, rest)),
        Some(Value::Null) => Ok((Vec::new(), rest)),
        _ => Err("not a list".to_owned()),
    }
}

/// Items of a list do not repeat their kind; a file of mixed kinds needs it.
fn with_kind<K: Resource>(mut item: Value) -> Value {
    if let Value::Object(fields) = &mut item {
        fields.insert("apiVersion".to_owned(), K::API_VERSION.into());
        fields.insert("kind".to_owned(), K::KIND.into());
    }
    item
}
