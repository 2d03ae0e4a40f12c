/** What a client reads before it sends anything (RFC 7644 section 4): what there is, and what of SCIM is served. */
import { commonAttributes, scimSchemas, type ScimAttribute, type ScimSchema } from '../../control/scim/schemas.ts';
import { bounds } from '../../kernel/bounds.ts';

type Document = Record<string, unknown>;

export function serviceProviderConfig(base: string): Document {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: bounds.scimPageMax },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'The token that gateway scim enable has shown, in the header Authorization.',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

export function resourceTypes(base: string): readonly Document[] {
  return scimSchemas.map(({ urn, name, plural, description }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint: `/${plural}`,
    description,
    schema: urn,
    schemaExtensions: [],
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }));
}

export function schemaDocuments(base: string): readonly Document[] {
  return scimSchemas.map((schema) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id: schema.urn,
    name: schema.name,
    description: schema.description,
    attributes: attributesOf(schema).map(attributeDocument),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.urn}` },
  }));
}

/** `externalId` is common to all, but whether it is kept is for each to say. */
function attributesOf({ attributes }: ScimSchema): readonly ScimAttribute[] {
  return [...commonAttributes.filter(({ name }) => name === 'externalId'), ...attributes];
}

function attributeDocument({ subAttributes, canonicalValues, referenceTypes, ...attribute }: ScimAttribute): Document {
  return {
    ...attribute,
    ...(canonicalValues === undefined ? {} : { canonicalValues }),
    ...(referenceTypes === undefined ? {} : { referenceTypes }),
    ...(subAttributes === undefined ? {} : { subAttributes: subAttributes.map(attributeDocument) }),
  };
}

export function listDocument(resources: readonly unknown[], total: number, startIndex: number): Document {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}
