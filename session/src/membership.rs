//! Which records belong to a session: taking them in, and letting them go.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mirrorm_core::{Error, ErrorKind, Result};

use crate::batch::Place;
use crate::inner::Verb;
use crate::record::{Fate, Home, Record, RecordState};

impl Verb<'_> {
    /// Refuses a record that cannot be added.
    pub(crate) fn can_add(&self, record: &Record) -> Result<()> {
        let state = record.0.state.lock();
        let (status, session, gone) = (state.status, state.session(), state.fate == Fate::Gone);
        let key = state.place().and_then(|place| place.key());
        drop(state);
        let refuse = |why: &str| Err(Error::new(ErrorKind::Invalid, format!("{} {why}", record.describe())));
        if session.is_some_and(|session| !Arc::ptr_eq(&session, self.inner)) {
            return refuse("belongs to another session");
        }
        if status == RecordState::Deleted || gone {
            return refuse("was deleted: add a new record");
        }
        if record.table().metadata().is_some_and(|own| !own.is_of(self.inner.db.metadata())) {
            return refuse("is of a table of another Db");
        }
        let taken = key.and_then(|key| self.core().ok()?.identity.get(record.table_id(), &key));
        match taken {
            Some(other) if other != *record => refuse("is in the session already, as another record"),
            _ => Ok(()),
        }
    }

    /// Adds all of these records, or none.
    pub(crate) fn add_all(&self, records: &[Record]) -> Result<()> {
        let core = self.core()?;
        let before = (core.new.len(), core.transitions.len());
        drop(core);
        // New records are looked at once: of many, that is a pass less through all their memory.
        let mut plain = 0;
        while records.get(plain).map_or(Ok(false), |record| self.add_plain(record))? {
            plain += 1;
        }
        let (done, rest) = records.split_at(plain);
        if let Err(error) = rest.iter().try_for_each(|record| self.can_add(record)) {
            self.forget_new(done, before)?;
            return Err(error);
        }
        rest.iter().try_for_each(|record| self.add(record))
    }

    /// Adds a new record about which nothing has to be asked; says whether it was one.
    fn add_plain(&self, record: &Record) -> Result<bool> {
        if self.core()?.pending_batch(record.table_id()).is_none() {
            if self.can_add(record).is_err() {
                return Ok(false);
            }
            self.core()?.know_pending(&record.table(), self.inner);
        }
        Ok(self.add_new(record, false)?.is_some())
    }

    /// Takes out new records that were the last to be added.
    fn forget_new(&self, records: &[Record], (new, transitions): (usize, usize)) -> Result<()> {
        let mut core = self.core()?;
        core.new.truncate(new);
        core.transitions.truncate(transitions);
        for record in records {
            let mut state = record.0.state.lock();
            state.status = RecordState::Transient;
            state.home.leave();
        }
        Ok(())
    }

    pub(crate) fn add(&self, record: &Record) -> Result<()> {
        if let Some(is_linked) = self.add_new(record, true)? {
            return if is_linked { record.renew_lists() } else { Ok(()) };
        }
        let status = record.0.state.lock().status;
        if matches!(status, RecordState::Pending | RecordState::Persistent)
            && record.session().is_some_and(|session| Arc::ptr_eq(&session, self.inner))
        {
            return self.keep(record);
        }
        self.can_add(record)?;
        let place = record.0.state.lock().place();
        if let Some(place) = place {
            return self.attach(record, &place);
        }
        self.core()?.know_pending(&record.table(), self.inner);
        let mut state = record.0.state.lock();
        if state.session().is_none() {
            state.status = RecordState::Transient;
        }
        drop(state);
        match self.add_new(record, true)? {
            Some(_) => record.renew_lists(),
            // Another thread was faster, with another session.
            None => self.can_add(record),
        }
    }

    /// Adds a new record of a table that is known to be of this Db; none if it was not one, or has relationships that were
    /// written where those are not meant. Says whether it has some.
    fn add_new(&self, record: &Record, also_linked: bool) -> Result<Option<bool>> {
        let mut core = self.core()?;
        let mut state = record.0.state.lock();
        if state.status != RecordState::Transient || (state.links.is_some() && !also_linked) {
            return Ok(None);
        }
        let Some(pending) = core.pending_batch(record.table_id()).cloned() else { return Ok(None) };
        (state.home, state.status, state.fate) = (Home::In(pending), RecordState::Pending, Fate::Stays);
        let is_linked = state.links.is_some();
        if is_linked {
            self.inner.linked.store(true, Ordering::Release);
        }
        drop(state);
        self.note(&mut core, record, Some(RecordState::Transient), RecordState::Pending);
        core.new.push(record.clone());
        Ok(Some(is_linked))
    }

    /// Takes back that a row is to be deleted.
    fn keep(&self, record: &Record) -> Result<()> {
        let mut state = record.0.state.lock();
        if state.is_doomed() {
            state.fate = Fate::Stays;
            drop(state);
            self.core()?.doomed.retain(|own| own != record);
        }
        Ok(())
    }

    /// Takes in a row whose session has ended. Its values are of an old transaction.
    fn attach(&self, record: &Record, place: &Place) -> Result<()> {
        let mut home = self.batch(&record.table(), &place.batch.def, place.batch.block.share())?;
        home.epoch = 0;
        let mut core = self.core()?;
        let mut state = record.0.state.lock();
        if state.session().is_some() {
            // Another thread was faster, with another session.
            drop((state, core));
            return self.can_add(record);
        }
        (state.home, state.row, state.status) =
            (Home::In(Arc::new(home)), place.row, RecordState::Persistent);
        let (is_touched, is_linked) = (state.settle(), state.links.is_some());
        drop(state);
        if let Some(key) = record.identity() {
            let _ = core.identity.of(record.table_id()).insert(key, record);
        }
        if is_touched {
            self.inner.touched.push(record.clone());
        }
        if is_linked {
            self.inner.linked.store(true, Ordering::Release);
        }
        self.note(&mut core, record, Some(RecordState::Detached), RecordState::Persistent);
        Ok(())
    }

    /// Refuses a record that cannot be deleted.
    pub(crate) fn can_delete(&self, record: &Record) -> Result<()> {
        self.own(record)?;
        let status = record.0.state.lock().status;
        if status == RecordState::Pending {
            let message = format!("{} was never flushed: `expunge` it instead", record.describe());
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(())
    }

    pub(crate) fn expunge(&self, record: &Record) -> Result<()> {
        let mut core = self.core()?;
        core.new.retain(|own| own != record);
        core.doomed.retain(|own| own != record);
        self.inner.touched.remove(record);
        if let Some(key) = record.identity() {
            core.identity.of(record.table_id()).remove(&key, record);
        }
        let mut state = record.0.state.lock();
        let from = state.status;
        let to = if from == RecordState::Pending { RecordState::Transient } else { RecordState::Detached };
        state.status = to;
        state.spare();
        if to == RecordState::Transient {
            state.home.leave();
        }
        let is_linked = state.links.is_some();
        drop(state);
        self.note(&mut core, record, Some(from), to);
        drop(core);
        if is_linked {
            crate::db::note_unsaved(record);
        }
        Ok(())
    }
}
