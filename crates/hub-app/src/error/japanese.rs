//! The same errors in Japanese, where a person at an agency is likely to meet them. What only programs meet
//! is told in English alone.

use hub_model::{ErrorKind, ModelError};

use super::AppError;

impl AppError {
    /// What happened and what to do, in Japanese; none where there is only the English text.
    pub fn ja(&self) -> Option<String> {
        Some(match self {
            Self::Unauthenticated(_) => {
                "トークンが必要です。ない、期限切れ、または取り消されたトークンでは操作できません。「Authorization: Bearer <トークン>」として送ってください".to_owned()
            }
            Self::Forbidden(_) => {
                "このトークンではこの操作はできません。データセットを持つ機関の発行者（publisher）か、管理者のトークンを使ってください".to_owned()
            }
            Self::NotFound { id, .. } => {
                format!("「{id}」がないか、見る権限がありません")
            }
            Self::Withdrawn { dataset, version, at, reason } => {
                format!("{dataset}の版{version}は{at}に取り下げられました：{reason}")
            }
            Self::AlreadyWithdrawn { version } => format!(
                "版{version}はすでに取り下げられています。だれがなぜ取り下げたかは、版の一覧にあります"
            ),
            Self::NoKey => {
                "mode=upsert は主キーで行を置き換えますが、契約に主キーがありません。契約の「primaryKey」に列を書くか、mode=append、replace、replace_period を使ってください".to_owned()
            }
            Self::NoTime => {
                "mode=replace_period はファイルの期間の行を置き換えますが、契約に役割が time の列がなく、期間が分かりません。mode=upsert か replace を使ってください".to_owned()
            }
            Self::IdempotencyMismatch { key } => format!(
                "冪等キー「{key}」は別のファイルに使われました。新しいファイルには新しいキーを使うか、最初の答えをもう一度得るには同じファイルを送ってください"
            ),
            Self::StillRunning { key } => format!(
                "冪等キー「{key}」のアップロードはまだ検査中です。少し待ってから、もう一度尋ねてください"
            ),
            Self::StillChecked { upload } => format!(
                "アップロード{upload}はまだ検査中です。少し待ってから、もう一度尋ねてください"
            ),
            Self::PieceUnderWay { upload } => format!(
                "アップロード{upload}の別の部分を受け取っているところです。それが終わってから送ってください"
            ),
            Self::OffsetMismatch { expected, received } => format!(
                "送られた部分は{received}バイト目から始まりますが、届いているのは{expected}バイト目までです。そこから続けてください"
            ),
            Self::PieceMismatch => {
                "送られた部分がチェックサムと合いません。もう一度送ってください".to_owned()
            }
            Self::NoLinks => {
                "このハブはファイルを自分のフォルダーに置くので、リンクでは送れません。データセットのアップロードに、一度にか、分けて送ってください".to_owned()
            }
            Self::NoKeptBack { upload } => format!(
                "アップロード{upload}には取り置いた行がありません。取り置くのは、on_error=quarantine で公開し、契約に合わない行があったときです"
            ),
            Self::NoWorkbook { format } => format!(
                "印を付けた写しはExcelブックで作れますが、このファイルは{format}として読みました。format=csv か format=json で報告を取ってください"
            ),
            Self::NotSent { upload } => format!(
                "アップロード{upload}のリンクにファイルが届いていません。PUTで送ってから完了にしてください"
            ),
            Self::AlreadyComplete { upload } => format!(
                "アップロード{upload}はすでに完了しています。結果を見てください"
            ),
            Self::NotTakenIn { upload, .. } => format!(
                "アップロード{upload}のファイルはすべて届いていますが、ハブの後ろの保管先が応答しません。送り直さずに、少し待ってから、もう一度尋ねてください"
            ),
            Self::CameToNothing { upload } => format!(
                "アップロード{upload}は、ファイルがすべて届いた後に失敗し、ファイルは残っていません。理由をアップロードのアドレスで確かめ、新しいアップロードとして送り直してください"
            ),
            Self::ChecksumMismatch { expected, received } => format!(
                "届いたファイルのSHA-256は{received}ですが、Content-Digestは{expected}です。もう一度送ってください"
            ),
            Self::UploadTooLarge { max_bytes } => format!(
                "ファイルがこのハブの上限（{max_bytes}バイト）より大きいです。期間で分けて送ってください"
            ),
            Self::BodyBroken(_) => {
                "ファイルが最後まで届きませんでした。もう一度送ってください".to_owned()
            }
            Self::ContractViolated { report, .. } => format!(
                "契約に合わないセルが{}か所あるため、何も公開していません。報告で場所と直し方を見て、直してから送ってください",
                report.error_count
            ),
            Self::UnknownTables { set, files } => format!(
                "{}のデータセットがまだなく、様式も知られたものではありません。ファイルごとに「{set}_…」という名前のデータセットを提案から作り、もう一度送ってください。何も公開していません",
                files.join("、")
            ),
            Self::SetRefused { tables } => {
                let told = tables.iter().map(|t| format!("{}に{}か所", t.table, t.report.error_count));
                format!(
                    "契約に合わないセルがあります（{}）。何も公開していません。報告で場所と直し方を見て、直してから送ってください",
                    told.collect::<Vec<_>>().join("、")
                )
            }
            Self::SetIncomplete { published, failed, cause, left } => {
                let published = published.iter().map(|(id, version)| format!("{id}（版{version}）"));
                let left = left.iter().map(ToString::to_string);
                format!(
                    "{failed}を公開できませんでした：{}。公開済み：{}。まだ始めていないもの：{}。同じものをもう一度送ると、残りが公開されます",
                    cause.ja().unwrap_or_else(|| cause.to_string()),
                    listed(published.collect()),
                    listed(left.collect()),
                )
            }
            Self::TooOften { limit, .. } => format!(
                "1時間に作れるのは{limit}件までです。しばらくしてから、もう一度試してください"
            ),
            Self::TooManyQueries { limit } => format!(
                "1つのトークンで残しておける問い合わせは{limit}件までです。要らないものを消すか（DELETE /v1/queries/ID）、期限が切れるのを待ってください"
            ),
            Self::NotDone { .. } => {
                "問い合わせはまだ終わっていません。終わってから、もう一度尋ねてください".to_owned()
            }
            Self::Busy(_) => {
                "ハブが混み合っています。少し待ってから、もう一度送ってください".to_owned()
            }
            Self::Stopping => {
                "ハブを止めているところです。少し待ってから、もう一度送ってください".to_owned()
            }
            Self::Intake(error) => error.text()?.ja.clone(),
            Self::Query(error) => return error.ja(),
            Self::Lake(error) if error.kind() == ErrorKind::Conflict => {
                "ほかの人の公開と重なりました。最新の版を確かめてから、もう一度送ってください".to_owned()
            }
            Self::Model(ModelError::InvalidContract { problems }) => format!(
                "契約に正しくないところが{}か所あります。場所と、どう書けばよいかは errors にあります。直してから、もう一度送ってください",
                problems.len()
            ),
            Self::Model(ModelError::BreakingChange { changes }) => format!(
                "契約をこのように変えると、いま読んでいる人が困ります（{}）。列を足すか、別のデータセットを作ってください。理由は errors にあります",
                listed(changes.iter().map(|change| change.column.clone()).collect())
            ),
            Self::Model(ModelError::UnknownUnit { unit, part }) => format!(
                "単位「{unit}」の「{part}」がわかりません。mm、Cel、m3/s、{{person}} のようなUCUMの記号で書いてください"
            ),
            Self::Model(ModelError::UnitsDiffer { from, to }) => {
                format!("「{from}」は「{to}」に換算できません。測るものが違います")
            }
            Self::Model(ModelError::InvalidValue { value, expected_ja, .. }) => {
                if expected_ja.is_empty() {
                    return None;
                }
                let subject = if value.is_empty() {
                    String::new()
                } else {
                    format!("「{value}」は使えません。")
                };
                format!("{subject}{expected_ja}")
            }
            Self::Model(ModelError::Malformed { detail, .. }) => {
                format!("送られた記述を読めません。直すところは次のとおりです（英語）：{detail}")
            }
            Self::InvalidRequest(_)
            | Self::NotRepeatable(_)
            | Self::QueryFailed { .. }
            | Self::Registry(_)
            | Self::Lake(_)
            | Self::Scratch(_)
            | Self::Broken(_) => return None,
        })
    }
}

fn listed(names: Vec<String>) -> String {
    if names.is_empty() { "なし".to_owned() } else { names.join("、") }
}
