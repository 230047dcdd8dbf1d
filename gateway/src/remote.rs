//! `golv admin` and `golv trade`: one session with a running exchange, and what came of it, printed.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use golv_client::client::{Client, Connect as _, Ended, Events};
use golv_client::quic::QuicConnector;
use golv_client::session::{Beginning, Who};
use golv_client::tls::{Credentials, TrustAnchor};
use golv_engine::command::Command;
use golv_engine::id::{AuctionId, BoardId, CommandId};
use golv_engine::indivisible::Proof;
use golv_protocol::message::Numbered;

use crate::command_line::ConnectionOptions;
use crate::command_line::account::StatementOfAccount;
use crate::command_line::admin::AdminCommand;
use crate::command_line::auctions::Auctions;
use crate::command_line::balances::Balances;
use crate::command_line::boards::view::BoardsView;
use crate::command_line::boards::{Boards, ShowOptions, TradeBoard};
use crate::command_line::show::{acknowledged_line, answer_json, answer_line, event_json, event_line};
use crate::command_line::statement::{Scope, Statement};
use crate::command_line::trade::TradeCommand;
use crate::print::{self, Format, grouped};
use crate::solve::{Book, Known, Round};

/// How long to wait for a logon. An exchange that is there answers within milliseconds.
const LOGON: Duration = Duration::from_secs(10);

/// Sends an operator's or publisher's command and prints its answer, or prints the balances; returns whether it was done.
///
/// # Errors
/// If the exchange cannot be reached, does not know the key, or ends the session first; or if a file that the command names
/// is not what it should be.
pub fn admin(options: &ConnectionOptions, json: bool, command: AdminCommand) -> Result<bool, Box<dyn Error>> {
    if let AdminCommand::Auctions(Auctions::Solve { auction, node_limit }) = command {
        return within(solve(options, json, auction, node_limit));
    }
    if let AdminCommand::Boards(Boards::Solve { board, node_limit }) = command {
        return within(solve_round(options, json, board, node_limit));
    }
    if let AdminCommand::Boards(Boards::Show(ShowOptions { board, csv })) = command {
        return within(async {
            let view = Session::begin(options).await?.boards().await?;
            print::line(view.board(board, Format::of(json, csv))?);
            Ok(true)
        });
    }
    if let AdminCommand::Balances { csv } = command {
        return within(async {
            let mut balances = Balances::default();
            Session::begin(options).await?.read(|numbered| balances.add(&numbered.event)).await?;
            print::line(balances.text(Format::of(json, csv)));
            Ok(true)
        });
    }
    let command = command.into_command()?;
    within(async {
        let session = Session::begin(options).await?;
        session.submit(command, json).await
    })
}

/// Reads a closed book, looks for the best choice, and proposes it.
async fn solve(
    options: &ConnectionOptions,
    json: bool,
    auction: AuctionId,
    node_limit: u64,
) -> Result<bool, Box<dyn Error>> {
    let mut book = Book::new(auction);
    Session::begin(options).await?.read(|numbered| book.add(&numbered.event)).await?;
    let (command, found) = book.solve(node_limit)?;
    if !json {
        let known = match found.proof {
            Proof::Optimal => "optimal".to_owned(),
            Proof::Bound(bound) => format!("at most {bound}, a gap of {}", found.gap()),
        };
        print::line(format_args!("found a choice worth {}, {known}", found.welfare));
    }
    // The search can take longer than a session that says nothing is kept.
    Session::begin(options).await?.submit(command, json).await
}

/// Reads what takes part in a round, looks for the best deals, and proposes them.
async fn solve_round(
    options: &ConnectionOptions,
    json: bool,
    board: BoardId,
    node_limit: u64,
) -> Result<bool, Box<dyn Error>> {
    let mut round = Round::new(board);
    Session::begin(options).await?.read(|numbered| round.add(&numbered.event)).await?;
    let (command, found) = round.solve(node_limit)?;
    if !json {
        let known = match found.known {
            Known::Proved => "proved by dual prices that nothing is better".to_owned(),
            Known::Best => "and the search found nothing better".to_owned(),
            Known::SectorsFirst => {
                "sectors come first, and how many lots there could be is not known".to_owned()
            }
            Known::AtMost(lots) => {
                format!("the search was stopped: at most {} lots are possible", grouped(&lots.to_string()))
            }
        };
        print::line(format_args!(
            "found {} {} for {} lots with a surplus of {}, {known}",
            found.deals,
            if found.deals == 1 { "deal" } else { "deals" },
            grouped(&found.lots.to_string()),
            grouped(&print::millionths(found.surplus))
        ));
    }
    // The search can take longer than a session that says nothing is kept.
    Session::begin(options).await?.submit(command, json).await
}

/// Sends a trader's command, or shows what there is for it to see; returns whether it was done.
///
/// # Errors
/// As [`admin`].
pub fn trade(options: &ConnectionOptions, json: bool, command: TradeCommand) -> Result<bool, Box<dyn Error>> {
    within(async {
        let session = Session::begin(options).await?;
        match command {
            TradeCommand::Bids(bid) => session.submit(bid.into_command(), json).await,
            TradeCommand::Board(command) => session.board(command, json).await,
            TradeCommand::Watch { from_start } => session.watch(from_start, json).await,
            TradeCommand::Statement { month, day } => {
                let scope = day.map_or_else(|| month.map_or(Scope::All, Scope::Month), Scope::Day);
                let mut statement = Statement::new(session.who.participant, scope);
                session.read(|numbered| statement.add(&numbered.event)).await?;
                if json {
                    print::line(statement.json());
                } else {
                    print::line(statement.table());
                }
                Ok(true)
            }
            TradeCommand::Account { day, csv } => {
                let mut account = StatementOfAccount::new(session.who.participant, day);
                session.read(|numbered| account.add(numbered)).await?;
                print::line(account.text(Format::of(json, csv)));
                Ok(true)
            }
        }
    })
}

fn within<T>(work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// A session that has logged on.
pub(crate) struct Session {
    client: Client,
    events: Events,
    who: Who,
}

impl Session {
    /// Connects and waits for the logon.
    pub(crate) async fn begin(options: &ConnectionOptions) -> Result<Self, Box<dyn Error>> {
        let connector = connector(options).await?;
        // The client tries again for ever, which suits a trader's system; a person wants to know why at once.
        drop(connector.connect().await?);
        let beginning = Beginning { acknowledged: options.acknowledged, ..Beginning::default() };
        let (client, events) = Client::resuming(connector, beginning);
        let who = match tokio::time::timeout(LOGON, client.logged_on()).await {
            Ok(who) => who?,
            Err(_) => return Err(format!("no logon within {} s", LOGON.as_secs()).into()),
        };
        Ok(Self { client, events, who })
    }

    /// For whom it speaks, and where it began.
    pub(crate) fn who(&self) -> Who {
        self.who
    }

    /// Ends it.
    pub(crate) async fn close(self) {
        self.client.close().await;
    }

    async fn submit(self, command: Command, json: bool) -> Result<bool, Box<dyn Error>> {
        let Self { client, events, who } = self;
        // Nobody reads them here, and events that are not read hold up the answer.
        drop(events);
        let id = CommandId(who.highest.0 + 1);
        let answer = client.submit_as(id, command.clone()).await?;
        let position = client.acknowledged().expect("an answer tells a position");
        if json {
            print::line(answer_json(who.identity, id, &command, &answer, position));
        } else {
            print::line(answer_line(who.identity, id, &command, &answer));
            print::line(acknowledged_line(position));
        }
        client.close().await;
        Ok(answer.outcome.is_ok())
    }

    async fn watch(mut self, from_start: bool, json: bool) -> Result<bool, Box<dyn Error>> {
        let before = if from_start { 0 } else { self.who.events };
        loop {
            let numbered = self.events.next().await?;
            if numbered.number <= before {
                continue;
            }
            if json {
                print::line(event_json(&numbered));
            } else {
                print::line(event_line(&numbered));
            }
        }
    }

    /// Sends what a trader asks for on a board, or prints what it is told of boards.
    async fn board(self, command: TradeBoard, json: bool) -> Result<bool, Box<dyn Error>> {
        let format = |csv| Format::of(json, csv);
        print::line(match command {
            TradeBoard::Sent(command) => return self.submit(command.into_command(), json).await,
            TradeBoard::Show(ShowOptions { board, csv }) => self.boards().await?.board(board, format(csv))?,
            TradeBoard::Negotiations { csv } => self.boards().await?.negotiations(format(csv)),
            TradeBoard::Deals { csv } => self.boards().await?.deals(format(csv)),
        });
        Ok(true)
    }

    /// Boards as this session knows them.
    async fn boards(self) -> Result<BoardsView, Ended> {
        let mut view = BoardsView::new(self.who.participant);
        self.read(|numbered| view.add(&numbered.event)).await?;
        Ok(view)
    }

    /// Reads all events that there were at the logon.
    pub(crate) async fn read(mut self, mut add: impl FnMut(&Numbered)) -> Result<(), Ended> {
        let mut read = 0;
        while read < self.who.events {
            let numbered = self.events.next().await?;
            read = numbered.number;
            add(&numbered);
        }
        self.client.close().await;
        Ok(())
    }
}

/// How these options connect, with the server looked up and the files read.
pub(crate) async fn connector(options: &ConnectionOptions) -> Result<QuicConnector, Box<dyn Error>> {
    let addresses = tokio::net::lookup_host((options.server.host.as_str(), options.server.port)).await;
    // An IPv4 address first: a server on `localhost` seldom listens on its IPv6 one, and nothing would say so.
    let server = addresses
        .map_err(|error| format!("{} cannot be looked up: {error}", options.server))?
        .min_by_key(SocketAddr::is_ipv6)
        .ok_or_else(|| format!("{} has no address", options.server))?;
    Ok(QuicConnector {
        server,
        server_name: options.server_name().to_owned(),
        credentials: Credentials::load(&options.certificate, &options.key)?,
        trust: TrustAnchor::load(&options.ca)?,
    })
}
