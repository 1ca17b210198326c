//! What the registry promises, shown on SQLite and on a real PostgreSQL server alike. A behaviour is a
//! function over a [`Bench`]; the list at the end of this file runs each of them on both.
#![expect(clippy::unwrap_used, reason = "a test stops where what it stands on fails")]

mod agencies;
mod bench;
mod connections;
mod datasets;
mod documents;
mod idempotency;
mod permalinks;
mod queries;
mod tls;
mod tokens;
mod uploads;
mod versions;

use bench::Bench;
use hub_testkit::postgres::PostgresServer;

macro_rules! suite {
    ($($module:ident :: { $($behaviour:ident),* $(,)? })*) => {
        mod on_sqlite {
            $(mod $module {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $behaviour() {
                        let folder = tempfile::tempdir().unwrap();
                        let file = folder.path().join("made/with the file/registry.sqlite");
                        let url = format!("sqlite://{}", file.display());
                        crate::$module::$behaviour(&crate::Bench::new(url)).await;
                    }
                )*
            })*
        }

        /// One test, so that all behaviours share one cluster; each has a database of its own.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn on_postgres() {
            let Some(server) = PostgresServer::start() else { return };
            $($({
                println!("{}::{}", stringify!($module), stringify!($behaviour));
                $module::$behaviour(&Bench::new(server.database())).await;
            })*)*
        }
    };
}

suite! {
    connections::{
        two_that_start_together_migrate_once,
        a_second_start_finds_what_the_first_recorded,
        a_url_of_another_kind_is_refused_without_telling_its_password,
        a_closed_registry_is_unavailable,
    }
    agencies::{
        an_agency_is_added_once_and_changed,
        agencies_come_in_pages,
        a_text_with_a_nul_is_refused,
    }
    datasets::{
        a_dataset_is_added_once_and_only_under_an_agency,
        a_change_needs_the_revision_it_was_made_on,
        of_changes_at_once_one_wins,
        only_what_the_asker_may_see_is_listed,
        every_word_of_a_search_must_occur,
        full_width_and_case_do_not_matter,
        signs_of_patterns_are_taken_literally,
        a_renamed_agency_is_found_by_its_new_name,
        two_and_a_half_thousand_come_in_pages_each_once,
    }
    tokens::{
        a_token_is_accepted_until_it_ends,
        a_revoked_token_is_refused,
        what_is_no_token_is_refused,
        only_a_digest_is_stored,
        a_token_needs_its_agency,
        tokens_come_in_pages,
        an_admin_counts_only_while_accepted,
        of_nodes_that_start_together_one_makes_the_first_admins_token,
        the_first_admins_token_can_be_made_again_when_none_is_accepted,
        a_first_token_that_is_only_drawn_is_not_accepted,
    }
    uploads::{
        an_upload_is_kept_with_its_report,
        lists_are_newest_first_and_leave_out_the_errors,
        a_finished_upload_stays,
        the_lake_has_the_last_word,
        unfinished_uploads_are_found_after_a_crash,
        a_repeated_upload_is_discarded,
    }
    idempotency::{
        of_many_at_once_one_is_first,
        a_repeat_is_answered_by_how_the_first_went,
        another_body_is_refused,
        a_released_key_can_be_used_again,
        keys_of_others_are_others,
        a_key_needs_an_upload_that_began,
        a_key_is_bounded,
        old_keys_are_forgotten,
    }
    permalinks::{
        a_permalink_is_kept_as_it_was_made,
        the_versions_that_permalinks_name_are_told,
        permalinks_are_counted_by_who_made_them,
    }
    queries::{
        a_query_is_seen_by_its_own_token_only,
        of_many_nodes_each_takes_another_query,
        a_node_that_dies_loses_its_query_once,
        a_query_comes_to_its_end_and_expires,
        a_query_that_is_given_back_or_removed_is_lost_to_its_node,
    }
    documents::{
        stored_documents_keep_their_form,
    }
    versions::{
        a_version_is_recorded_once,
        versions_come_newest_first_in_pages,
        an_instant_names_the_version_that_could_be_read_then,
        newest_versions_of_many_datasets_come_together,
    }
}

#[tokio::test]
async fn a_server_that_went_away_is_unavailable_and_serves_again_when_it_is_back() {
    let Some(server) = PostgresServer::start() else { return };
    let registry = Bench::new(server.database()).registry().await;
    registry.ping().await.unwrap();
    server.pause();
    let error = registry.ping().await.unwrap_err();
    assert_eq!(error.kind(), hub_model::ErrorKind::Unavailable, "{error:?}");
    server.resume();
    registry.ping().await.unwrap();
}

#[tokio::test]
async fn a_registry_in_memory_serves() {
    let bench = Bench::new("sqlite::memory:".to_owned());
    agencies::an_agency_is_added_once_and_changed(&bench).await;
}
