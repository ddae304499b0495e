//! What the machine sees of the sandbox: the effects of a rotation, carried out here.

use super::*;

impl World for Sandbox {
    fn now(&self) -> Timestamp {
        self.memory.lock().unwrap().now
    }

    async fn read(&self, target: &Target) -> Result<Read, Trouble> {
        if let Some(store) = &self.store {
            let read = store.read(&target.name).await?;
            return Ok(read.map_or_else(Read::default, |(entry, version)| Read {
                entry,
                version: Some(version),
            }));
        }
        let memory = self.memory.lock().unwrap();
        check_open(&memory)?;
        Ok(match memory.ledger.get(&target.name) {
            Some((json, version)) => Read {
                entry: serde_json::from_str(json).unwrap(),
                version: Some(Version(version.to_string())),
            },
            None => Read::default(),
        })
    }

    async fn write(
        &self,
        target: &Target,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> Result<(), Trouble> {
        note(&mut self.memory.lock().unwrap().tried, target, entry);
        if let Some(store) = &self.store {
            store.write(&target.name, entry, expected).await?;
            self.overwrite(target, |copy| copy.clone_from(entry));
            note(&mut self.memory.lock().unwrap().durable, target, entry);
            return Ok(());
        }
        let mut memory = self.memory.lock().unwrap();
        check_open(&memory)?;
        let stored = memory.ledger.get(&target.name).map(|(_, version)| *version);
        if stored.map(|version| version.to_string()).as_ref() != expected.map(|v| &v.0) {
            return Err(StoreError::Raced.into());
        }
        note(&mut memory.durable, target, entry);
        let json = serde_json::to_string(entry).unwrap();
        let version = stored.unwrap_or(0) + 1;
        memory.ledger.insert(target.name.clone(), (json, version));
        Ok(())
    }

    async fn carried_out(&self, rotation: &str) -> Result<Option<String>, Trouble> {
        let over = self.memory.lock().unwrap().over.contains(rotation);
        Ok((!over).then(|| format!("{rotation}-object")))
    }

    async fn adopted(&self, target: &Target) -> Result<Value, Trouble> {
        let adopted = self.credentials[target.index].adopted.clone();
        let given = self.given(target);
        let username = given
            .files
            .get("username")
            .map(|name| name.expose().to_owned());
        let ours = |name: &String| identities(target.role.as_ref().unwrap()).contains(name);
        if given.published.is_none() || !username.as_ref().is_none_or(ours) {
            return Ok(adopted);
        }
        Ok(Value {
            username,
            secret: given.files[target.file].clone(),
            ..adopted
        })
    }

    async fn login(&self, target: &Target, value: &Value) -> Result<Option<Login>, Trouble> {
        self.credentials[target.index].backend.login(value).await
    }

    async fn sessions(
        &self,
        target: &Target,
        value: &Value,
        in_use: Option<&Value>,
    ) -> Result<Sessions, Trouble> {
        let backend = &self.credentials[target.index].backend;
        let since = self.given(target).at.elapsed();
        match value.shares_login(in_use) {
            true => backend.sessions_from_before(value, Some(since)).await,
            false => backend.sessions(value).await,
        }
    }

    async fn prepare(&self, target: &Target, fence: u64, value: &Value) -> Result<(), Trouble> {
        let backend = &self.credentials[target.index].backend;
        backend.prepare(target, fence, value).await
    }

    async fn disable(
        &self,
        target: &Target,
        fence: u64,
        value: &Value,
        in_use: Option<&Value>,
    ) -> Result<(), Trouble> {
        let backend = &self.credentials[target.index].backend;
        backend.disable(fence, value, in_use).await
    }

    async fn block(&self, target: &Target, fence: u64) -> Result<u32, Trouble> {
        let backend = &self.credentials[target.index].backend;
        backend.block(target, fence).await
    }

    async fn published(&self, target: &Target) -> Result<Option<Published>, Trouble> {
        Ok(self.given(target).published)
    }

    async fn publish(&self, publications: &[Publication<'_>]) -> Result<(), Trouble> {
        let memory = self.memory.lock().unwrap();
        let raced =
            |p: &&Publication<'_>| memory.given[&p.target.name].published.as_ref() != p.before;
        if publications.iter().any(|publication| raced(&publication)) {
            return Err(Trouble::new(Reason::Raced, "somebody else published"));
        }
        drop(memory);
        self.publish_outside(publications);
        let mut memory = self.memory.lock().unwrap();
        for publication in publications {
            let (target, round) = (publication.target, publication.round);
            let given = Given {
                published: Some(Published {
                    rotation: rotation_of(publication.entry, round),
                    round,
                }),
                files: target.files(publication.entry, round)?,
                at: Instant::now(),
            };
            memory.given.insert(target.name.clone(), given);
        }
        Ok(())
    }

    async fn rollout(&self, target: &Target) -> Result<Rollout, Trouble> {
        Ok(self.rollout_of(target).await)
    }
}

fn check_open(memory: &Memory) -> Result<(), Trouble> {
    if memory.ledger_down {
        return Err(StoreError::Unavailable("the ledger is sealed".to_owned()).into());
    }
    Ok(())
}

fn note(values: &mut BTreeMap<String, Vec<Value>>, target: &Target, entry: &Entry) {
    let known = values.entry(target.name.clone()).or_default();
    for value in [&entry.pending, &entry.current].into_iter().flatten() {
        if known.iter().all(|other| other.secret != value.secret) {
            known.push(value.clone());
        }
    }
}
