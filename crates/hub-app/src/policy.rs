//! Who may do what. Every use case asks here and nowhere else; doors only say who asks.

use hub_model::{AgencyId, Principal, Role, Visibility};
use hub_registry::Readable;

use crate::AppError;

/// Something a principal wants to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action<'a> {
    /// Make agencies and tokens, and see all of them.
    Administer,
    /// Change an agency's datasets: their contracts, their data, their upkeep.
    WriteDatasets(&'a AgencyId),
    /// Read a dataset's data and what is said of it.
    ReadDataset(&'a AgencyId, Visibility),
    /// See an agency's uploads with their reports, which quote the files' cells.
    ReadUploads(&'a AgencyId),
    /// Have a file looked at without publishing it.
    Propose,
}

/// Answers whether the principal may; where not, with the error the caller is to see.
pub(crate) fn permit(principal: &Principal, action: Action<'_>) -> Result<(), AppError> {
    let (role, own) = match principal {
        Principal::Anonymous => (None, None),
        Principal::Token { role, agency, .. } => (Some(*role), agency.as_ref()),
    };
    let allowed = match (role, action) {
        (Some(Role::Admin), _) => true,
        (_, Action::ReadDataset(_, Visibility::Public)) => true,
        (Some(Role::Publisher), Action::WriteDatasets(agency)) => own == Some(agency),
        (
            Some(_),
            Action::ReadDataset(agency, Visibility::Private) | Action::ReadUploads(agency),
        ) => own == Some(agency),
        (Some(_), Action::Propose) => true,
        (Some(_), Action::Administer | Action::WriteDatasets(_)) | (None, _) => false,
    };
    match (allowed, role) {
        (true, _) => Ok(()),
        (false, None) => Err(AppError::Unauthenticated(
            "this needs a token: send it as \"Authorization: Bearer <token>\"",
        )),
        (false, Some(_)) => Err(AppError::Forbidden(match action {
            Action::Administer => "only an admin's token may do this",
            Action::WriteDatasets(_) => {
                "only a publisher's token of the owning agency may change its datasets"
            }
            Action::ReadDataset(..) | Action::ReadUploads(_) => {
                "only tokens of the owning agency may see this"
            }
            Action::Propose => "only a token's holder may do this",
        })),
    }
}

/// Whether the principal may read a dataset of this agency and visibility.
pub(crate) fn may_read(principal: &Principal, agency: &AgencyId, visibility: Visibility) -> bool {
    permit(principal, Action::ReadDataset(agency, visibility)).is_ok()
}

/// The datasets a principal may read, as the registry's listings filter them.
pub(crate) fn readable(principal: &Principal) -> Readable {
    match principal {
        Principal::Token { role: Role::Admin, .. } => Readable::Everything,
        Principal::Token { agency: Some(agency), .. } => Readable::PublicAnd(agency.clone()),
        Principal::Anonymous | Principal::Token { agency: None, .. } => Readable::Public,
    }
}

#[cfg(test)]
mod tests {
    use hub_model::TokenId;

    use super::*;

    fn token(role: Role, agency: Option<&str>) -> Principal {
        Principal::Token {
            id: TokenId::generate(),
            name: "t".to_owned(),
            role,
            agency: agency.map(|a| AgencyId::parse(a).unwrap()),
        }
    }

    #[test]
    fn only_the_owning_agency_writes_and_reads_what_is_private() {
        let (a, b) = (AgencyId::parse("a").unwrap(), AgencyId::parse("b").unwrap());
        let publisher = token(Role::Publisher, Some("a"));
        let reader = token(Role::Reader, Some("a"));
        let admin = token(Role::Admin, None);
        for (who, action, allowed) in [
            (&publisher, Action::WriteDatasets(&a), true),
            (&publisher, Action::WriteDatasets(&b), false),
            (&publisher, Action::Administer, false),
            (&publisher, Action::ReadDataset(&b, Visibility::Private), false),
            (&reader, Action::WriteDatasets(&a), false),
            (&reader, Action::ReadDataset(&a, Visibility::Private), true),
            (&reader, Action::ReadUploads(&b), false),
            (&Principal::Anonymous, Action::ReadDataset(&a, Visibility::Public), true),
            (&Principal::Anonymous, Action::ReadDataset(&a, Visibility::Private), false),
            (&Principal::Anonymous, Action::Propose, false),
            (&admin, Action::WriteDatasets(&b), true),
            (&admin, Action::ReadDataset(&b, Visibility::Private), true),
        ] {
            assert_eq!(permit(who, action).is_ok(), allowed, "{who:?} {action:?}");
        }
    }

    #[test]
    fn listings_and_single_reads_decide_alike() {
        let b = AgencyId::parse("b").unwrap();
        for who in
            [token(Role::Reader, None), token(Role::Publisher, Some("a")), Principal::Anonymous]
        {
            let lists_b = match readable(&who) {
                Readable::Everything => true,
                Readable::PublicAnd(agency) => agency == b,
                Readable::Public => false,
            };
            assert_eq!(lists_b, may_read(&who, &b, Visibility::Private), "{who:?}");
        }
    }
}
