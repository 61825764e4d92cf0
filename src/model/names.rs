//! Names as types, so that a pod's name can never be passed where a node's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Borrows the name as the API server spells it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Tells whether the API server gave no name at all.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }
    )*};
}

names! {
    /// Names a namespace.
    Namespace;
    /// Names a StatefulSet within its namespace.
    WorkloadName;
    /// Names a pod within its namespace.
    PodName;
    /// Names a PersistentVolumeClaim within its namespace.
    ClaimName;
    /// Names a PersistentVolume.
    VolumeName;
    /// Names a node.
    NodeName;
    /// Names a container within its pod.
    ContainerName;
    /// Identifies one object for good: a name can be used again, a uid never.
    Uid;
}
