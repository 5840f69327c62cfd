//! Deleting records: many keys a statement, each row counted.

use mirrorm_core::Result;
use mirrorm_core::engine::Conn;
use mirrorm_core::rows::RowBuffer;
use mirrorm_core::schema::Table;
use mirrorm_core::stmt::Operation;

use super::miscounted;
use super::version::named;
use crate::batch::{Place, key_of};
use crate::changes::{Change, Pair};
use crate::inner::Verb;
use crate::load::{key_cell, no_key, vanished};
use crate::overlay::Overlay;
use crate::record::{Record, RecordState};

impl Verb<'_> {
    pub(super) fn delete(&self, conn: &Conn, table: &Table, records: &[Record]) -> Result<()> {
        let def = table.def();
        if key_of(&def).is_empty() {
            return Err(no_key(&def));
        }
        let key = &named(&def);
        // What goes is told with all its values.
        let is_expired = |record: &&Record| record.0.state.lock().home.batch().is_some_and(|home| !home.full);
        let _ = self.read_again(conn, (table, &def), records.iter().filter(is_expired), |_| true)?;
        let places: Vec<Place> = records.iter().filter_map(|record| record.0.state.lock().place()).collect();
        let mut values = RowBuffer::with_capacity(places.len() * key.len());
        for place in &places {
            for at in key {
                values.push(key_cell(place, *at)?);
            }
        }
        let gone = conn.delete_rows(&def, key, &values, places.len())?;
        if gone != records.len() as u64 {
            if let Some(changed) = self.find_changed(conn, (table, &def), records.iter(), &places)? {
                return Err(changed);
            }
            let one = records.first().filter(|_| records.len() == 1).map(vanished);
            return Err(
                one.unwrap_or_else(|| miscounted(table, Operation::Delete, records.len() as u64, gone))
            );
        }
        let bind = self.bind_of(table)?;
        let mut core = self.core()?;
        for (record, place) in records.iter().zip(places) {
            if let Some(key) = place.key() {
                core.identity.of(table.id()).remove(&key, record);
            }
            let mut state = record.0.state.lock();
            state.status = RecordState::Deleted;
            state.spare();
            (state.overlay, state.links) = (Overlay::default(), None);
            drop(state);
            self.note(&mut core, record, Some(RecordState::Persistent), RecordState::Deleted);
            core.level().log.push(Change::row(bind.clone(), Some(record.clone()), Pair::Old(place)));
        }
        core.wrote(table.id());
        Ok(())
    }
}
