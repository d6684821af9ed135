//! What a manifest says: which bytes are the component, and who signed it. Pure.
//!
//! The layout is that of WebAssembly artifacts of the CNCF's working group: one layer of the type `application/wasm`, as `wkg`,
//! `oras` and others write it. The signature, the text of minisign's file, is an annotation of the manifest, so that the one
//! digest covers both and other programs find the layer that they expect.

use super::{Failure, digest};
use crate::registry::COMPONENT_BYTES_MAX;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest};
use serde_json::json;

/// The annotation of the signature.
pub(super) const SIGNATURE: &str = "gatewit.minisig";

/// The type of a layer that is a component, and what it was called before that was agreed on.
const LAYERS: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// The type of the configuration of such an artifact.
pub(super) const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// Bytes of a manifest. One of ours has a thousand; registries take four million.
const MANIFEST_BYTES_MAX: usize = 256 << 10;

/// Bytes of a signature. One has four lines.
const SIGNATURE_BYTES_MAX: usize = 4 << 10;

/// What a manifest leads to.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) layer: OciDescriptor,
    /// As minisign writes it.
    pub(super) signature: Option<String>,
}

/// Reads a manifest.
pub(super) fn read(manifest: &[u8]) -> Result<Artifact, Failure> {
    let not = |why: String| Failure::NotAComponent(why);
    if manifest.len() > MANIFEST_BYTES_MAX {
        return Err(not(format!("its manifest has more than {MANIFEST_BYTES_MAX} bytes")));
    }
    let manifest: OciImageManifest = serde_json::from_slice(manifest)
        .map_err(|_| not("it is no single artifact but an index, or something else".to_owned()))?;
    let is_component = |layer: &&OciDescriptor| LAYERS.contains(&layer.media_type.as_str());
    let [layer] = manifest.layers.iter().filter(is_component).collect::<Vec<_>>()[..] else {
        let types: Vec<_> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).take(8).collect();
        let found = if types.is_empty() { "none".to_owned() } else { types.join(", ") };
        return Err(not(format!("it has not one layer of the type {}, but {found}", LAYERS[0])));
    };
    let limit = i64::try_from(COMPONENT_BYTES_MAX).unwrap_or(i64::MAX);
    if layer.size > limit {
        return Err(Failure::TooLarge(COMPONENT_BYTES_MAX));
    }
    if layer.size < 0 || !layer.digest.starts_with("sha256:") {
        return Err(not("its layer has no digest of SHA-256".to_owned()));
    }
    let signature = manifest.annotations.as_ref().and_then(|annotations| annotations.get(SIGNATURE));
    if signature.is_some_and(|text| text.len() > SIGNATURE_BYTES_MAX) {
        return Err(not(format!("its signature has more than {SIGNATURE_BYTES_MAX} bytes")));
    }
    // From the registry, and from nowhere that the manifest says besides.
    let layer = OciDescriptor { urls: None, ..(*layer).clone() };
    Ok(Artifact { layer, signature: signature.cloned() })
}

/// The parts of an artifact that is put into a registry.
pub(super) struct Parts {
    pub(super) manifest: Vec<u8>,
    pub(super) config: Vec<u8>,
    pub(super) config_digest: String,
    pub(super) layer_digest: String,
}

/// Makes an artifact of a component.
pub(super) fn make(wasm: &[u8], signature: Option<&str>) -> Parts {
    let layer_digest = digest(wasm);
    let config = json!({ "architecture": "wasm", "os": "wasip2", "layerDigests": [layer_digest] });
    let config = config.to_string().into_bytes();
    let config_digest = digest(&config);
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE_MEDIA_TYPE,
        "config": { "mediaType": CONFIG, "digest": config_digest, "size": config.len() },
        "layers": [{ "mediaType": LAYERS[0], "digest": layer_digest, "size": wasm.len() }],
    });
    if let (Some(signature), Some(manifest)) = (signature, manifest.as_object_mut()) {
        manifest.insert("annotations".to_owned(), json!({ SIGNATURE: signature }));
    }
    Parts { manifest: manifest.to_string().into_bytes(), config, config_digest, layer_digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(manifest: &serde_json::Value) -> String {
        read(manifest.to_string().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_made_is_read() {
        let parts = make(b"component", Some("a\nsignature"));
        let artifact = read(&parts.manifest).unwrap();
        assert_eq!((artifact.layer.digest.as_str(), artifact.layer.size), (digest(b"component").as_str(), 9));
        assert_eq!(artifact.signature.as_deref(), Some("a\nsignature"));
        assert_eq!(read(&make(b"component", None).manifest).unwrap().signature, None);
    }

    #[test]
    fn what_is_no_component_says_what_it_is() {
        let mut manifest: serde_json::Value = serde_json::from_slice(&make(b"component", None).manifest).unwrap();
        manifest["layers"][0]["size"] = json!(COMPONENT_BYTES_MAX + 1);
        assert!(told(&manifest).contains("at most"), "{}", told(&manifest));
        manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip");
        assert!(told(&manifest).contains("tar+gzip"));
        manifest["layers"] = json!([]);
        assert!(told(&manifest).contains("none"));
        let index = json!({ "schemaVersion": 2, "manifests": [] });
        assert!(told(&index).contains("index"));
        let two = make(b"component", None).manifest;
        let mut two: serde_json::Value = serde_json::from_slice(&two).unwrap();
        two["layers"] = json!([two["layers"][0], two["layers"][0]]);
        assert!(told(&two).contains("not one layer"));
        let long = make(b"component", Some(&"x".repeat(SIGNATURE_BYTES_MAX + 1))).manifest;
        assert!(read(&long).unwrap_err().to_string().contains("signature"));
    }
}
