//! Reads the folder of the built UI into memory.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use aws_lc_rs::digest;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::delivery;

/// One file and its compressed twins.
#[derive(Debug)]
pub(super) struct File {
    pub(super) plain: Bytes,
    pub(super) gzip: Option<Bytes>,
    pub(super) brotli: Option<Bytes>,
    pub(super) media_type: &'static str,
    pub(super) etag: String,
}

/// All files below `root` by their relative path; `index.html`, which is a template, apart.
pub(super) fn read_all(root: &Path) -> HashMap<String, File> {
    let mut contents = HashMap::new();
    read_folder(root, "", &mut contents);
    let names: Vec<String> = contents
        .keys()
        .filter(|name| !is_compressed_twin(name, &contents) && *name != "index.html")
        .cloned()
        .collect();
    let file = |name: String| {
        let plain = contents[&name].clone();
        let file = File {
            gzip: { contents.get(&format!("{name}.gz")).cloned() }
                .or_else(|| compressed(media_type(&name), &plain)),
            brotli: contents.get(&format!("{name}.br")).cloned(),
            media_type: media_type(&name),
            etag: etag(&plain),
            plain,
        };
        (name, file)
    };
    names.into_iter().map(file).collect()
}

fn read_folder(folder: &Path, prefix: &str, contents: &mut HashMap<String, Bytes>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            read_folder(&path, &format!("{name}/"), contents);
        } else if let Ok(content) = std::fs::read(&path) {
            contents.insert(name, content.into());
        }
    }
}

fn is_compressed_twin(name: &str, contents: &HashMap<String, Bytes>) -> bool {
    let original = name.strip_suffix(".gz").or(name.strip_suffix(".br"));
    original.is_some_and(|original| contents.contains_key(original))
}

/// Bytes that are much fewer, of what is worth it.
fn compressed(media_type: &str, plain: &[u8]) -> Option<Bytes> {
    if plain.len() < delivery::COMPRESS_FROM || !delivery::is_text(media_type) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < plain.len()).then(|| compressed.into())
}

fn etag(content: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, content);
    format!("\"{}\"", hex::encode(&hash.as_ref()[..16]))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
