//! Hashes of files and folders: what an image is named after.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Context, SHA256};

/// Sixty-four hex digits of the file's SHA-256.
pub(super) fn file_hash(path: &Path) -> Result<String> {
    let mut hash = Context::new(&SHA256);
    feed(&mut hash, path)?;
    Ok(hex::encode(hash.finish()))
}

/// Changes with name, kind or content of anything below `folder`, apart from the entries of its
/// top level named in `skip`.
pub(super) fn tree_hash(folder: &Path, skip: &[&str]) -> Result<String> {
    let mut hash = Context::new(&SHA256);
    for path in files(folder, skip)? {
        let name = path
            .strip_prefix(folder)
            .expect("every file is below the folder");
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update(&[0]);
        feed(&mut hash, &path)?;
        hash.update(&[0]);
    }
    Ok(hex::encode(hash.finish()))
}

/// Every file below `folder` in a fixed order, apart from the top level's `skip`.
pub(super) fn files(folder: &Path, skip: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next)
            .with_context(|| format!("failed to list {}", next.display()))?
        {
            let entry = entry.with_context(|| format!("failed to list {}", next.display()))?;
            let skipped = next == folder && skip.iter().any(|name| entry.file_name() == *name);
            if skipped {
                continue;
            }
            if entry.path().is_dir() {
                waiting.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn feed(hash: &mut Context, path: &Path) -> Result<()> {
    let mut file =
        File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file
            .read(&mut buffer)
            .with_context(|| format!("failed to read {}", path.display()))?;
        if read == 0 {
            return Ok(());
        }
        hash.update(&buffer[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_tree_changes_with_names_and_content_but_not_with_what_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("src/deep")).unwrap();
        std::fs::create_dir_all(at("dist")).unwrap();
        std::fs::write(at("src/deep/a"), "1").unwrap();
        let hash = || tree_hash(folder.path(), &["dist"]).unwrap();
        let first = hash();
        std::fs::write(at("dist/a"), "built").unwrap();
        assert_eq!(hash(), first);
        std::fs::write(at("src/deep/a"), "2").unwrap();
        assert_ne!(hash(), first);
        std::fs::write(at("src/deep/a"), "1").unwrap();
        std::fs::rename(at("src/deep/a"), at("src/deep/b")).unwrap();
        assert_ne!(hash(), first);
    }
}
