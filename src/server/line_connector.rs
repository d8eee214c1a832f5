//! Puts a TCP connection on a [`Line`] and negotiates TLS as the client library would.
//!
//! The only code that the library allows between itself and its socket is a TLS connector that begins at once (direct
//! negotiation). So this file provides such a connector, which requests TLS itself and passes the bare stream on if
//! there is no TLS.

use std::error::Error;
use std::io::Result as IoResult;
use std::pin::Pin;
use std::task::{Context, Poll};

use openssl::error::ErrorStack;
use postgres::Socket;
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use postgres_openssl::{MakeTlsConnector, TlsConnector, TlsStream as OpensslStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::line::{Line, OnLine};

/// The protocol's `SSLRequest`: its length and its code.
const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// How a connection is encrypted.
#[derive(Clone)]
pub(super) enum Encryption {
    /// Without encryption.
    Never,
    /// Encrypted if the server offers it.
    IfOffered(MakeTlsConnector),
    /// Encrypted, or refused.
    Always(MakeTlsConnector),
    /// Encrypted from the first byte on, without a request.
    Direct(MakeTlsConnector),
}

/// Opens connections on `line`.
#[derive(Clone)]
pub(super) struct LineConnector {
    pub(super) line: Line,
    pub(super) encryption: Encryption,
}

/// Opens one connection.
pub(super) struct OneConnection {
    line: Line,
    tls: Option<TlsConnector>,
    asks: bool,
    is_required: bool,
}

/// A connection on a line.
pub(super) enum LineStream {
    Bare(OnLine<Socket>),
    Encrypted(OpensslStream<OnLine<Socket>>),
}

/// Why a connection did not become an encrypted one.
#[derive(Debug)]
pub(super) enum NotEncrypted {
    /// The server does not offer it.
    NotOffered,
    /// The two did not come to terms.
    Refused(BoxedError),
}

type BoxedError = Box<dyn Error + Send + Sync>;

impl MakeTlsConnect<Socket> for LineConnector {
    type Stream = LineStream;
    type TlsConnect = OneConnection;
    type Error = ErrorStack;

    fn make_tls_connect(&mut self, domain: &str) -> Result<OneConnection, ErrorStack> {
        let tls = match &mut self.encryption {
            Encryption::Never => None,
            Encryption::IfOffered(make) | Encryption::Always(make) | Encryption::Direct(make) => {
                Some(MakeTlsConnect::<OnLine<Socket>>::make_tls_connect(make, domain)?)
            }
        };
        Ok(OneConnection {
            line: self.line.clone(),
            tls,
            asks: !matches!(self.encryption, Encryption::Direct(_)),
            is_required: !matches!(self.encryption, Encryption::IfOffered(_)),
        })
    }
}

impl TlsConnect<Socket> for OneConnection {
    type Stream = LineStream;
    type Error = BoxedError;
    type Future = Pin<Box<dyn Future<Output = Result<LineStream, BoxedError>> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move {
            let mut stream = OnLine {
                stream,
                line: self.line,
            };
            let Some(tls) = self.tls else {
                return Ok(LineStream::Bare(stream));
            };
            if self.asks {
                stream.write_all(&ASK_FOR_TLS).await?;
                let mut answer = [0];
                stream.read_exact(&mut answer).await?;
                match (answer[0], self.is_required) {
                    (b'S', _) => {}
                    (_, true) => return Err(NotEncrypted::NotOffered.into()),
                    (_, false) => return Ok(LineStream::Bare(stream)),
                }
            }
            let encrypted = tls.connect(stream).await.map_err(NotEncrypted::Refused)?;
            Ok(LineStream::Encrypted(encrypted))
        })
    }
}

impl std::fmt::Display for NotEncrypted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotEncrypted::NotOffered => formatter.write_str("server does not support TLS"),
            NotEncrypted::Refused(reason) => reason.fmt(formatter),
        }
    }
}

impl Error for NotEncrypted {}

impl TlsStream for LineStream {
    fn channel_binding(&self) -> ChannelBinding {
        match self {
            LineStream::Bare(_) => ChannelBinding::none(),
            LineStream::Encrypted(stream) => stream.channel_binding(),
        }
    }
}

impl AsyncRead for LineStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<IoResult<()>> {
        match self.get_mut() {
            LineStream::Bare(stream) => Pin::new(stream).poll_read(context, buffer),
            LineStream::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<IoResult<usize>> {
        match self.get_mut() {
            LineStream::Bare(stream) => Pin::new(stream).poll_write(context, bytes),
            LineStream::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<IoResult<()>> {
        match self.get_mut() {
            LineStream::Bare(stream) => Pin::new(stream).poll_flush(context),
            LineStream::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<IoResult<()>> {
        match self.get_mut() {
            LineStream::Bare(stream) => Pin::new(stream).poll_shutdown(context),
            LineStream::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
