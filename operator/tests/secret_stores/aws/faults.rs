//! The answer to a call is lost, or the caller dies before the next one.

use reportapp_operator::secret_store::{SecretStore as _, StoreError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::ledgers::entry;
use super::server::{LEDGER, TestAws, access_key};

/// Passes requests on to `target`, but not the answer to request number `lost` (from 0), after which
/// nobody answers any more. Gives its address.
async fn losing(target: String, lost: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let target = target.strip_prefix("http://").unwrap().to_owned();
    tokio::spawn(async move {
        for number in 0..=lost {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = whole(&mut stream).await;
            let mut server = TcpStream::connect(&target).await.unwrap();
            server.write_all(&request).await.unwrap();
            let mut answer = Vec::new();
            // moto closes the connection after each answer.
            server.read_to_end(&mut answer).await.unwrap();
            if number < lost {
                stream.write_all(&answer).await.unwrap();
            }
        }
    });
    address
}

async fn whole(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    loop {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let (_, length) = head.split_once("content-length: ").unwrap();
        if body.len() >= length.lines().next().unwrap().parse().unwrap() {
            return request;
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_at_any_call_is_whole_or_never_happened() {
    // Call that is lost, and the fence that is found afterwards.
    for (lost, fence) in [(0, 1), (1, 2)] {
        let aws = TestAws::start();
        let first = aws.store().write("erp", &entry(1), None).await.unwrap();
        let address = losing(aws.address.clone(), lost).await;
        let cut = aws.store_at(&address, access_key("AKIAEXAMPLE", "k"));
        let told = cut.write("erp", &entry(2), Some(&first)).await;
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");

        let store = aws.store();
        let (found, version) = store.read("erp").await.unwrap().unwrap();
        assert_eq!(found.fence, fence, "call {lost}");
        let again = store.write("erp", &entry(3), Some(&version)).await.unwrap();
        assert_eq!(store.read("erp").await, Ok(Some((entry(3), again.clone()))));
        // What the dead writer left has no label, so AWS removes it.
        let labels = aws.labels(LEDGER).await;
        let labelled = labels.as_object().unwrap().values();
        let labelled = labelled.filter(|labels| !labels.as_array().unwrap().is_empty());
        assert_eq!(labelled.count(), 2, "{labels}");
        assert_eq!(labels[&version.0][0], "AWSPREVIOUS", "{labels}");
    }
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_found_and_not_made_twice() {
    let aws = TestAws::start();
    let address = losing(aws.address.clone(), 0).await;
    let cut = aws.store_at(&address, access_key("AKIAEXAMPLE", "k"));
    let told = cut.write("erp", &entry(1), None).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    let store = aws.store();
    let second = store.write("erp", &entry(2), None).await;
    assert_eq!(second, Err(StoreError::Raced));
    assert_eq!(store.read("erp").await.unwrap().unwrap().0, entry(1));
}
