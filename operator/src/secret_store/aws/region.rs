//! Where a region of AWS is reached, and how its resources are named. Pure.

use url::Url;

use super::StoreError;

/// Beginnings of regions outside the common partition, with partition and domain, as in the table of
/// partitions that AWS publishes with its SDKs. The first that fits counts.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
];

/// A region of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Such as `eu-central-1`.
    pub name: String,
    /// First part of its ARNs.
    pub partition: &'static str,
    domain: &'static str,
}

impl Region {
    /// The region `name`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when it cannot be the name of one.
    pub fn new(name: &str) -> Result<Self, StoreError> {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(StoreError::Unusable(format!(
                "{name:?} is no region of AWS; write spec.secretStore.awsSecretsManager.region as eu-central-1"
            )));
        }
        let known = PARTITIONS
            .iter()
            .find(|(begin, ..)| name.starts_with(begin));
        let (partition, domain) = known.map_or(("aws", "amazonaws.com"), |(_, p, d)| (*p, *d));
        Ok(Self {
            name: name.to_owned(),
            partition,
            domain,
        })
    }

    /// The address of `service`: the one that is given, or the public one.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the one given is no address.
    pub fn endpoint(&self, service: &str, given: Option<&str>) -> Result<Url, StoreError> {
        let address = match given {
            Some(address) => address.to_owned(),
            None => format!("https://{service}.{}.{}", self.name, self.domain),
        };
        Url::parse(&address)
            .ok()
            .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
            .filter(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty())
            .ok_or_else(|| {
                StoreError::Unusable(format!(
                    "{address:?} is no address of AWS; write it as https://vpce-1-a.{service}.{}.vpce.{}",
                    self.name, self.domain
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_reached_in_the_domain_of_its_partition() {
        for (name, partition, address) in [
            (
                "eu-central-1",
                "aws",
                "https://sts.eu-central-1.amazonaws.com/",
            ),
            (
                "us-gov-west-1",
                "aws-us-gov",
                "https://sts.us-gov-west-1.amazonaws.com/",
            ),
            (
                "cn-north-1",
                "aws-cn",
                "https://sts.cn-north-1.amazonaws.com.cn/",
            ),
            (
                "us-isob-east-1",
                "aws-iso-b",
                "https://sts.us-isob-east-1.sc2s.sgov.gov/",
            ),
            (
                "eusc-de-east-1",
                "aws-eusc",
                "https://sts.eusc-de-east-1.amazonaws.eu/",
            ),
        ] {
            let region = Region::new(name).unwrap();
            assert_eq!(region.partition, partition);
            assert_eq!(region.endpoint("sts", None).unwrap().as_str(), address);
        }
    }

    #[test]
    fn a_region_that_would_lead_elsewhere_is_refused() {
        for name in [
            "",
            "eu central",
            "a.evil.example/",
            "eu-central-1#",
            "EU-CENTRAL-1",
        ] {
            assert!(Region::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_address_with_a_path_or_a_user_is_refused() {
        let region = Region::new("eu-central-1").unwrap();
        for address in ["https://e/path", "https://user@e", "e:443", "ftp://e", ""] {
            assert!(region.endpoint("sts", Some(address)).is_err(), "{address}");
        }
    }
}
