//! Each built component against its world in `wit/`: it imports nothing that the world does not name, and exports all
//! that the world asks for.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use e2e::guests;
use wit_component::DecodedWasm;
use wit_parser::{Resolve, World, WorldKey};

use crate::guests::{FALLEN_RULES, FETCHER, ROGUE, TRESPASSER};

e2e::suite! {
    first_party_components_are_within_their_worlds,
    guests_are_within_the_world_of_their_kind,
    a_stray_import_is_seen,
}

/// The names of the interfaces that a component or a world imports, and of those it exports.
#[derive(Debug)]
struct Surface {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

impl Surface {
    fn new(resolve: &Resolve, world: &World) -> Self {
        let name = |key: &WorldKey| resolve.name_world_key(key);
        Self { imports: world.imports.keys().map(name).collect(), exports: world.exports.keys().map(name).collect() }
    }

    /// The surface of a built component.
    fn built(file: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(file)?;
        match wit_component::decode(&bytes).with_context(|| file.display().to_string())? {
            DecodedWasm::Component(resolve, world) => Ok(Self::new(&resolve, &resolve.worlds[world])),
            DecodedWasm::WitPackage(..) => bail!("{} is no component", file.display()),
        }
    }

    /// The surface of a world of `gatewit:worlds`; types that it uses count as imports there, as they do in components.
    fn world(name: &str) -> anyhow::Result<Self> {
        let mut resolve = Resolve::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("wit");
        let (package, _) = resolve.push_dir(&folder)?;
        let world = resolve.select_world(&[package], Some(name))?;
        Ok(Self::new(&resolve, &resolve.worlds[world]))
    }

    /// What a component with this surface imports beyond `world`.
    fn stray<'a>(&'a self, world: &'a Self) -> Vec<&'a String> {
        self.imports.difference(&world.imports).collect()
    }
}

fn fits(file: &Path, world: &str) -> anyhow::Result<()> {
    let (built, allowed) = (Surface::built(file)?, Surface::world(world)?);
    let stray = built.stray(&allowed);
    ensure!(stray.is_empty(), "{} imports {stray:?}, which the world `{world}` does not name", file.display());
    ensure!(built.exports == allowed.exports, "{} exports {:?}", file.display(), built.exports);
    Ok(())
}

async fn first_party_components_are_within_their_worlds() -> anyhow::Result<()> {
    for name in ["auth", "local"] {
        fits(&guests::first_party(name)?, name)?;
    }
    for name in ["oauth2", "openid"] {
        fits(&guests::first_party(name)?, "single-sign-on")?;
    }
    fits(&guests::first_party("saml")?, "saml")?;
    // No clock, no randomness, no network for a driver that only asks whether a password fits.
    let local = Surface::built(&guests::first_party("local")?)?;
    ensure!(!local.imports.iter().any(|name| name.starts_with("wasi:")), "{:?}", local.imports);
    Ok(())
}

async fn guests_are_within_the_world_of_their_kind() -> anyhow::Result<()> {
    fits(&guests::file(ROGUE)?, "credentials-driver")?;
    fits(&guests::file(FETCHER)?, "credentials-driver")?;
    fits(&guests::file(FALLEN_RULES)?, "auth")
}

async fn a_stray_import_is_seen() -> anyhow::Result<()> {
    let (built, allowed) = (Surface::built(&guests::file(TRESPASSER)?)?, Surface::world("credentials-driver")?);
    let stray = built.stray(&allowed);
    ensure!(stray.iter().any(|name| name.starts_with("gatewit:storage/users@")), "{stray:?}");
    Ok(())
}
